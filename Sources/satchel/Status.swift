import ArgumentParser
import MediaClient

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tells how what was sent stands: who has it, until when it is kept, how it ended.",
        discussion: """
            ✓ the server holds it, ✓✓ somebody has said "delivered". Without an argument: what may be alive; all: \
            everything in the sent log. With --watch it goes on, printing what changes, until everything is over.
            """)

    @Argument(help: ArgumentHelp("\(LeaseArgument.help) Or all."))
    var lease: String?

    @Flag(help: "Go on, and print what changes, until everything is over.")
    var watch = false

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var voice: VoiceOptions

    private static let pauseMilliseconds: Int64 = 2000

    func run() throws {
        let terminal = voice.terminal
        let composition = try Composition(flags: connection.flags, terminal: terminal)
        defer { composition.sendWaitingReceipts() }
        var leases = try selected(composition.client, terminal)
        if leases.isEmpty { terminal.say("nothing that was sent from here is known to be alive") }
        var lines: [LeaseName: String] = [:]
        while !leases.isEmpty {
            let standings = try composition.client.standings(of: leases).filter(\.isWorthTelling)
            for standing in standings {
                let line = json ? StatusLine.json(standing) : StatusLine.text(standing)
                if lines.updateValue(line, forKey: standing.lease.name) != line { try printResult(line) }
            }
            guard watch else { return try failIfSilent(standings) }
            leases = standings.filter { !$0.isFinal }.map(\.lease)
            if !leases.isEmpty { Process.sleep(milliseconds: Self.pauseMilliseconds) }
        }
    }

    private func selected(_ client: MediaClient, _ terminal: Terminal) throws -> [SentLease] {
        let leases = try client.sentLeases()
        guard let lease else { return leases.filter { $0.end == nil } }
        let chosen = try LeaseArgument.read(lease, allowsAll: true, terminal: terminal).select(from: leases)
        guard !chosen.isEmpty || lease == "all" else { throw MediaClientError.notSent }
        return chosen
    }

    /// What could be told is told; that something could not is the end of it.
    private func failIfSilent(_ standings: [LeaseStanding]) throws {
        for standing in standings {
            if case .silent(let error) = standing.knowledge { throw error }
        }
    }
}

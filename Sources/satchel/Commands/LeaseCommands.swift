import ArgumentParser
import Blobs
import MediaClient
import Transfer

struct StatusCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows the status of sent files: who has received them, when they expire, how they ended.",
        discussion: """
            ✓ the server has the file, ✓✓ someone has confirmed delivery. Without an argument, shows what may still be \
            alive; with `all`, everything in the sent log. With --watch, keeps printing changes until everything has \
            ended.
            """)

    @Argument(help: ArgumentHelp("\(LeaseArgument.help) Or: all."))
    var lease: String?

    @Flag(help: "Keep printing changes until everything has ended.")
    var watch = false

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var help: HelpOptions

    private static let pauseMilliseconds: Int64 = 2000

    var flags: [SettingKey: String] { connection.flags }

    func run() throws {
        let console = output.console
        let composition = try Composition(flags: flags, console: console)
        defer { composition.sendWaitingReceipts() }
        var leases = try selected(composition.client, console)
        if leases.isEmpty { console.notify("nothing sent from here is known to be alive") }
        var lines: [LeaseName: String] = [:]
        var said: Set<String> = []
        while !leases.isEmpty {
            // What was asked for by name is shown in any case.
            let statuses = try composition.client.status(of: leases).filter { isNamed || $0.isWorthShowing }
            console.clearLine()
            let silences = silences(statuses)
            for silence in silences where !said.contains(silence.sentence) {
                console.warn("\(silence.sentence); what is known here:")
            }
            said = Set(silences.map(\.sentence))
            for status in statuses {
                let line = json ? StatusLine.json(status) : StatusLine.text(status, .ofOutput)
                if lines.updateValue(line, forKey: status.lease.name) != line { try printResult(line) }
            }
            guard watch else {
                // What there is to say of it has been said.
                if let first = silences.first { throw ArgumentParser.ExitCode(first.code.rawValue) }
                return
            }
            leases = statuses.filter { !$0.isFinal }.map(\.lease)
            if !leases.isEmpty { Process.sleep(milliseconds: Self.pauseMilliseconds) }
        }
    }

    private var isNamed: Bool { lease.map { $0 != "all" } ?? false }

    private func selected(_ client: MediaClient, _ console: Console) throws -> [SentLease] {
        let leases = try client.sentLeases()
        guard let lease else { return leases.filter { $0.end == nil } }
        let selectors = try LeaseArgument.read(lease, allowsAll: true, console: console)
        var names: Set<LeaseName> = []
        let chosen = selectors.flatMap { $0.select(from: leases) }.filter { names.insert($0.name).inserted }
        guard !chosen.isEmpty || lease == "all" else { throw MediaClientError.notSent }
        return chosen
    }

    /// Why servers could not be asked, each reason once.
    private func silences(_ statuses: [LeaseStatus]) -> [ExitError] {
        var sentences: Set<String> = []
        return statuses.compactMap { status in
            guard case .unreachable(let error) = status.source, let ending = ExitError(error) else { return nil }
            return sentences.insert(ending.sentence).inserted ? ending : nil
        }
    }
}

struct RenewCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew",
        abstract: "Changes how long the server keeps a sent file, counted from now.")

    @Argument(help: ArgumentHelp(LeaseArgument.help))
    var lease: String

    @Option(help: ArgumentHelp("Lifetime from now: 45s, 90m, 12h, 30d, 2w, 1y.", valueName: "time"))
    var lifetime: String?

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var help: HelpOptions

    var flags: [SettingKey: String] {
        merged(server.flags, connection.flags, [.lifetime: lifetime].compactMapValues { $0 })
    }

    func run() throws {
        let console = output.console
        let composition = try Composition(flags: flags, console: console)
        defer { composition.sendWaitingReceipts() }
        for selector in try LeaseArgument.read(lease, console: console) {
            let lease = try selector.selectOne(from: try composition.client.sentLeases())
            try server.check(lease.server.origin, composition.settings)
            let renewed = try composition.client.renew(lease)
            try printResult("\(lease.name) expires \(CalendarTime(renewed.expires, .ofOutput))")
        }
    }
}

struct RevokeCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revokes sent files: the server stops serving them, unless someone else has forwarded them.",
        discussion: """
            Those who have received a file keep it. Caches may serve it for up to five more minutes. Copies that \
            others have forwarded stay available; a lease of your own that keeps the file too is named.
            """)

    @Argument(help: ArgumentHelp(LeaseArgument.help))
    var lease: [String]

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var help: HelpOptions

    var flags: [SettingKey: String] { connection.flags }

    func run() throws {
        let console = output.console
        let composition = try Composition(flags: flags, console: console)
        defer { composition.sendWaitingReceipts() }
        for selector in try lease.flatMap({ try LeaseArgument.read($0, console: console) }) {
            let lease = try selector.selectOne(from: try composition.client.sentLeases())
            let reason = try composition.client.revoke(lease)
            if reason != .revoked { console.notify("\(lease.name) had ended already") }
            let others = try composition.client.leases(keepingFileOf: lease).map(\.name.description)
            let rest = others.isEmpty ? "" : "; still served under your lease \(others.joined(separator: ", "))"
            try printResult("\(lease.name) \(reason.sentence)\(rest)")
        }
    }
}

/// `satchel quota`.
struct QuotaCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota", abstract: "Shows how much of your quota is used at the server, and when more is freed.")

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var help: HelpOptions

    var flags: [SettingKey: String] { merged(server.flags, connection.flags) }

    func run() throws {
        let composition = try Composition(flags: flags, console: output.console, keepsState: false)
        try printResult(QuotaDescription(try composition.client.quota(), .ofOutput).text)
    }
}

/// A quota in words.
struct QuotaDescription {
    private let quota: Quota
    private let zone: CalendarZone

    init(_ quota: Quota, _ zone: CalendarZone = .utc) {
        self.quota = quota
        self.zone = zone
    }

    var bytes: String { line(quota.bytes, ProgressMeter.bytes) }
    var leases: String { line(quota.leases) { "\($0)" } }

    /// A line each for bytes, leases, leases made today and uploads in progress, and one for the next expiry.
    var text: String {
        var lines = [
            "bytes    \(bytes)", "leases   \(leases)",
        ]
        if let made = quota.leasesMade { lines.append("today    \(line(made) { "\($0)" }) leases made") }
        lines.append("uploads  \(line(quota.uploads) { "\($0)" })")
        if let end = quota.nextEnd { lines.append("the next lease ends \(CalendarTime(end, zone))") }
        return lines.joined(separator: "\n")
    }

    private func line(_ use: Quota.Allowance, _ text: (Int64) -> String) -> String {
        let limit = use.limit.map { " of \(text($0))" } ?? ", no limit"
        let reserved = use.reserved > 0 ? ", and \(text(use.reserved)) for uploads in progress" : ""
        return "\(text(use.used))\(limit)\(reserved)"
    }
}

import ArgumentParser
import Blobs
import MediaClient

struct Renew: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Has the server keep what was sent for longer, or shorter, counted from now.")

    @Argument(help: ArgumentHelp(LeaseArgument.help))
    var lease: String

    @Option(help: ArgumentHelp("How long from now: 45s, 90m, 12h, 30d, 2w.", valueName: "time"))
    var lifetime: String?

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var voice: VoiceOptions

    func run() throws {
        let terminal = voice.terminal
        let time: [Setting: String] = lifetime.map { [.lifetime: $0] } ?? [:]
        let flags = [server.flags, connection.flags, time].reduce([:]) { $0.merging($1) { $1 } }
        let composition = try Composition(flags: flags, terminal: terminal)
        defer { composition.sendWaitingReceipts() }
        let selector = try LeaseArgument.read(lease, terminal: terminal)
        let lease = try selector.selectOne(from: try composition.client.sentLeases())
        let renewed = try composition.client.renew(lease)
        try printResult("\(lease.name) kept until \(CalendarTime(renewed.expires))")
    }
}

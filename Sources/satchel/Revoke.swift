import ArgumentParser
import Blobs
import MediaClient

struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Takes back what was sent: the server serves it no more, unless someone else holds it.",
        discussion: """
            It takes nothing from those who have it, nor, for up to five minutes, from caches between. Copies that \
            others have forwarded live on.
            """)

    @Argument(help: ArgumentHelp(LeaseArgument.help))
    var lease: [String]

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var voice: VoiceOptions

    func run() throws {
        let terminal = voice.terminal
        let composition = try Composition(flags: connection.flags, terminal: terminal)
        defer { composition.sendWaitingReceipts() }
        for argument in lease {
            let selector = try LeaseArgument.read(argument, terminal: terminal)
            let lease = try selector.selectOne(from: try composition.client.sentLeases())
            let reason = try composition.client.revoke(lease)
            if reason != .revoked { terminal.say("\(lease.name) had ended already") }
            try printResult("\(lease.name) \(reason.sentence)")
        }
    }
}

import ArgumentParser
import MediaClient
import MediaMessage

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compresses, seals and uploads files; prints one message for each.",
        discussion: """
            JPEG pictures are compressed, and what describes the sender is taken out of them. Other files go as they \
            are. The first failure ends it: the messages printed are those of the files before it.

            One message serves a group of any size. With --recipient-secrets there is one for each recipient, a line \
            each, for one file after the other.
            """)

    @Argument(help: "Files to send; - is standard input.")
    var file: [String]

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Lease") var lease: LeaseOptions
    @OptionGroup(title: "Content") var content: ContentOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var voice: VoiceOptions

    func validate() throws {
        if content.name != nil && file.count > 1 { throw ValidationError("--name is for a single FILE") }
        if file.count(where: { $0 == "-" }) > 1 { throw ValidationError("- can stand only once") }
    }

    func run() throws {
        let terminal = voice.terminal
        let flags = [server.flags, lease.flags, content.flags, connection.flags]
        let composition = try Composition(flags: flags.reduce([:]) { $0.merging($1) { $1 } }, terminal: terminal)
        try lease.check(composition.settings)
        defer { composition.sendWaitingReceipts() }
        for (index, path) in file.enumerated() {
            terminal.subject = file.count > 1 ? printable(path) : nil
            do {
                var options = content.sendOptions(for: path, composition.settings)
                options.hasRecipientSecrets = lease.recipientSecrets
                let messages = try composition.client.send(try openInput(path), options: options)
                terminal.clearLine()
                try composition.print(messages)
            } catch {
                terminal.subject = nil
                let rest = file.count - index - 1
                if rest > 0 { terminal.say("the last \(rest) of \(file.count) files were not sent") }
                throw Ending(error)?.about(printable(path)) ?? error
            }
        }
    }
}

import ArgumentParser
import MediaClient
import MediaMessage

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compresses, seals and uploads files; prints one message for each.",
        discussion: """
            JPEG pictures are compressed, and what describes the sender is taken out of them. Other files go as they \
            are. The first failure ends it: the messages printed are those of the files before it.

            Each file is in the outbox before its first byte leaves. What is cut, killed or offline waits there, sealed, \
            and goes on with `satchel outbox resume`; with --wait it is tried until it is sent or refused for good.

            One message serves a group of any size. With --recipient-secrets there is one for each recipient, a line \
            each, for one file after the other.
            """)

    @Argument(help: "Files to send; - is standard input.")
    var file: [String]

    @Flag(help: "Keep trying until it is sent, or refused for good.")
    var wait = false

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Lease") var lease: LeaseOptions
    @OptionGroup(title: "Content") var content: ContentOptions
    @OptionGroup(title: "Upload") var upload: UploadOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var voice: VoiceOptions

    func validate() throws {
        if content.name != nil && file.count > 1 { throw ValidationError("--name is for a single FILE") }
        if file.count(where: { $0 == "-" }) > 1 { throw ValidationError("- can stand only once") }
    }

    func run() throws {
        let terminal = voice.terminal
        let flags = [server.flags, lease.flags, content.flags, upload.flags, connection.flags]
        let composition = try Composition(flags: flags.reduce([:]) { $0.merging($1) { $1 } }, terminal: terminal)
        try lease.check(composition.settings)
        defer { composition.sendWaitingReceipts() }
        for (index, path) in file.enumerated() {
            terminal.subject = file.count > 1 ? printable(path) : nil
            do {
                var options = content.sendOptions(for: path, composition.settings)
                options.hasRecipientSecrets = lease.recipientSecrets
                options.untilSent = wait
                let dispatch = try composition.client.send(try openInput(path), options: options)
                terminal.clearLine()
                try composition.print(dispatch)
            } catch {
                terminal.subject = nil
                let rest = file.count - index - 1
                if rest > 0 { terminal.say("the last \(rest) of \(file.count) files were not sent") }
                throw Ending(error)?.about(printable(path)) ?? error
            }
        }
    }
}

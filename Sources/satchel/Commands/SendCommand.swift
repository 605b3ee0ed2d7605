import ArgumentParser
import MediaClient
import MediaMessage

struct SendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Compresses, encrypts and uploads files; prints a message for each.",
        discussion: """
            JPEG pictures are compressed, and their metadata is removed. Other files are sent unchanged. The command stops \
            at the first failure; the messages of the files before it have been printed.

            Each file is in the outbox before its first byte leaves. If the upload is interrupted, the sealed file stays \
            there, and `satchel outbox resume` continues. With --wait the command keeps trying until the file is sent or \
            refused for good.

            One message serves a group of any size. With --recipient-secrets a separate message is printed for each \
            recipient, one a line, for one file after the other.
            """)

    @Argument(help: "Files to send; - is standard input.")
    var file: [String]

    @Flag(help: "Keep trying until the file is sent or refused for good.")
    var wait = false

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Lease") var lease: LeaseOptions
    @OptionGroup(title: "Content") var content: ContentOptions
    @OptionGroup(title: "Upload") var upload: UploadOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if content.name != nil && file.count > 1 { throw ValidationError("--name needs a single FILE") }
        if file.count(where: { $0 == "-" }) > 1 { throw ValidationError("- may appear only once") }
    }

    func run() throws {
        let console = output.console
        let composition = try Composition(
            flags: merged(server.flags, lease.flags, content.flags, upload.flags, connection.flags), console: console)
        try lease.check(composition.settings)
        defer { composition.sendWaitingReceipts() }
        for (index, path) in file.enumerated() {
            console.subject = file.count > 1 ? printable(path) : nil
            do { try send(path, composition, console) } catch {
                console.subject = nil
                let rest = file.count - index - 1
                if rest > 0 { console.notify("the last \(rest) of \(file.count) files were not sent") }
                throw ExitError(error)?.about(printable(path)) ?? error
            }
        }
    }

    /// Seals, records and uploads one file; then prints its messages; only then does the outbox forget it.
    private func send(_ path: String, _ composition: Composition, _ console: Console) throws {
        var options = content.sendOptions(for: path, composition.settings)
        options.hasRecipientSecrets = lease.recipientSecrets
        options.untilSent = wait
        let result = try composition.client.send(try openInput(path), options: options)
        console.clearLine()
        try composition.printMessages(result)
    }
}

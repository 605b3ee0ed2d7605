import ArgumentParser
import MediaClient
import MediaMessage

struct ForwardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forward",
        abstract: "Forwards the file a message points to without re-uploading it; prints the new message.",
        discussion: """
            The server keeps the file under a lease of your own, whatever happens to the sender's. If the server no longer \
            has the file and you sent it, pass the exact file that the recipients have with --file: it is sealed to the \
            same blob again, and the old messages work again.
            """)

    @Argument(help: ArgumentHelp(MessageSource.help))
    var message: String

    @Option(help: ArgumentHelp("New caption; an empty one removes it.", valueName: "text"))
    var caption: String?

    @Option(help: ArgumentHelp("The exact file, if the server has lost it.", valueName: "path"))
    var file: String?

    @Option(help: ArgumentHelp("Message format: json or link.", valueName: "format"))
    var format: String?

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Lease") var lease: LeaseOptions
    @OptionGroup(title: "Upload") var upload: UploadOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let console = output.console
        let own: [SettingKey: String] = format.map { [.format: $0] } ?? [:]
        let flags = merged(server.flags, lease.flags, connection.flags, upload.flags, own)
        let composition = try Composition(flags: flags, console: console)
        try lease.check(composition.settings)
        defer { console.clearLine() }
        let message = try MessageSource.read(message, console: console)
        let options = ForwardOptions(
            caption: caption, hasRecipientSecrets: lease.recipientSecrets, plaintextPath: file)
        let result: SendResult
        do { result = try composition.client.forward(message, options: options) } catch {
            throw hint(error)
        }
        console.clearLine()
        try composition.printMessages(result)
        composition.sendWaitingReceipts()
    }

    /// What can be done if the server no longer has the file.
    private func hint(_ error: any Error) -> any Error {
        guard file == nil, let ending = ExitError(error), [.gone, .notFound].contains(ending.code) else { return error }
        return ExitError("\(ending.sentence); if you have the exact file, use --file PATH", ending.code)
    }
}

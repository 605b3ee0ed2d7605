import ArgumentParser
import MediaClient
import MediaMessage
import Transfer

struct ForwardCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "forward",
        abstract: "Forwards the file a message points to without re-uploading it; prints the new message.",
        discussion: """
            The server keeps the file under a lease of your own, whatever happens to the sender's. If the server no \
            longer has the file and you sent it, pass the exact file that the recipients have with --file: it is \
            sealed to the same blob again, and the old messages work again.
            """)

    @Argument(help: ArgumentHelp(MessageSource.help))
    var message: String

    @Option(help: ArgumentHelp("New caption; an empty one removes it.", valueName: "text"))
    var caption: String?

    @Option(help: ArgumentHelp("The exact file, if the server has lost it.", valueName: "path"))
    var file: String?

    @Option(help: ArgumentHelp(MessageOptions.formatHelp, valueName: "format"))
    var format: String?

    @OptionGroup(title: "Message") var shown: MessageOptions
    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Lease") var lease: LeaseOptions
    @OptionGroup(title: "Upload") var upload: UploadOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var help: HelpOptions

    func validate() throws {
        if file == nil, !upload.flags.isEmpty { throw ValidationError("--resumable-from needs --file") }
        try requireText(["--caption": caption])
    }

    var flags: [SettingKey: String] {
        merged(server.flags, lease.flags, connection.flags, upload.flags, [.format: format].compactMapValues { $0 })
    }

    func run() throws {
        let console = output.console
        let composition = try Composition(flags: flags, console: console)
        try lease.check(composition.settings)
        try shown.check(composition.settings)
        if let caption, !caption.isEmpty { try requireJSON("--caption", composition.settings) }
        defer { console.clearLine() }
        let messages = try MessageSource.readAll(message, console: console)
        guard messages.count == 1 || file == nil else {
            throw ExitError("\(message) has \(messages.count) messages, and --file takes one", .usage)
        }
        let options = ForwardOptions(
            caption: caption, hasRecipientSecrets: lease.recipientSecrets, plaintextPath: file)
        for message in messages {
            if let origin = message.url.flatMap({ WebURL($0.description) })?.origin {
                try server.check(origin, composition.settings)
            }
            let result: SendResult
            do { result = try composition.client.forward(message, options: options) } catch {
                throw hint(error)
            }
            console.clearLine()
            try composition.printMessages(result, drawsCode: shown.qr)
        }
        composition.sendWaitingReceipts()
    }

    /// What can be done if the server no longer has the file.
    private func hint(_ error: any Error) -> any Error {
        guard file == nil, let ending = ExitError(error), [.gone, .notFound].contains(ending.code) else { return error }
        return ExitError("\(ending.sentence); if you have the exact file, use --file PATH", ending.code)
    }
}

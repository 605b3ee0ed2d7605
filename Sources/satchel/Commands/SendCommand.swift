import ArgumentParser
import Files
import MediaClient
import MediaMessage

struct SendCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Cleans, encrypts and uploads files; prints a message for each.",
        discussion: """
            Photos and screenshots are compressed. Metadata such as place, time and device is removed from pictures, \
            films and sound; what cannot be cleaned is not sent without --as-file. Documents are sent as they are. The \
            command stops at the first failure; the messages of the files before it have been printed.

            The server is asked first whether it takes the file. Each file is in the outbox before its first byte \
            leaves. If the upload is interrupted, or nobody answers, the sealed file stays there, and `satchel outbox \
            resume` continues; a file of more than 64 MiB is sealed only once a server has answered. With --wait the \
            command keeps trying until the file is sent or refused for good.

            On a terminal the message is shown as a link, with a QR code where it fits. Into a file or a pipe it goes as \
            JSON, which also has the preview and the caption. --format decides for both.

            One message serves a group of any size. With --recipient-secrets a separate message is printed for each \
            recipient, one on each line, file after file.

            With --slot one file goes to a slot of a chat server (XEP-0363) instead, once and without the outbox. The file \
            of the slot is JSON: {"put":…,"get":…,"headers":{…}}. A slot is requested with a size, which `satchel prepare \
            --slot-size` prints. The link opens in other chat clients, and with `satchel open`.
            """)

    @Argument(help: "Files to send, none of them a folder; - is standard input.")
    var file: [String]

    @Flag(help: "Keep trying until the file is sent or refused for good.")
    var wait = false

    @Option(
        help: ArgumentHelp(
            "Encrypt as other chat clients do and upload to the slot in this file; prints an aesgcm: link.",
            valueName: "slot", visibility: .hidden))
    var slot: String?

    @Option(help: ArgumentHelp(MessageOptions.formatHelp, valueName: "format"))
    var format: String?

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Lease") var lease: LeaseOptions
    @OptionGroup(title: "Content") var content: ContentOptions
    @OptionGroup(title: "Message") var message: MessageOptions
    @OptionGroup(title: "Upload") var upload: UploadOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup(visibility: .hidden) var output: OutputOptions
    @OptionGroup var help: HelpOptions

    func validate() throws {
        if content.name != nil && file.count > 1 { throw ValidationError("--name needs a single file") }
        if file.count(where: { $0 == "-" }) > 1 { throw ValidationError("- may appear only once") }
        try connection.refuseAttempts(with: wait)
        if slot != nil { try refuseBesideSlot() }
    }

    var flags: [SettingKey: String] {
        merged(
            server.flags, lease.flags, content.flags, upload.flags, connection.flags,
            [.format: format].compactMapValues { $0 })
    }

    func run() throws {
        let console = output.console
        let composition = try Composition(flags: flags, console: console, keepsState: slot == nil)
        if let slot { return try send(toSlot: slot, composition, console) }
        try lease.check(composition.settings)
        try content.check(composition.settings)
        try message.check(composition.settings)
        defer { composition.sendWaitingReceipts() }
        for (index, path) in file.enumerated() {
            console.subject = file.count > 1 ? printable(path) : nil
            do { try send(path, composition, console) } catch {
                console.subject = nil
                // One whose message could not be printed has been sent.
                let sent = error is ExitError ? index + 1 : index
                if let notice = Self.notice(sent: sent, of: file.count) { console.notify(notice) }
                throw ExitError(error)?.about(printable(path)) ?? error
            }
        }
    }

    /// Which of several files were not sent; nil for a single file, and if all were.
    static func notice(sent: Int, of count: Int) -> String? {
        switch count - sent {
        case _ where count < 2, 0: nil
        case count: "none of the \(count) files was sent"
        case 1: "the last of \(count) files was not sent"
        case let rest: "the last \(rest) of \(count) files were not sent"
        }
    }

    /// Whether nothing comes before somebody writes.
    private func isWaitedFor(_ path: String) -> Bool {
        if path == "-" { return Process.isTerminal(0) }
        return (try? Folder.status(path, followsLinks: true))?.kind == .stream
    }

    /// Seals, records and uploads one file; then prints its messages; only then does the outbox forget it.
    private func send(_ path: String, _ composition: Composition, _ console: Console) throws {
        var options = content.sendOptions(for: path, composition.settings)
        options.hasRecipientSecrets = lease.recipientSecrets
        options.untilSent = wait
        if isWaitedFor(path) { console.show(waiting: "reading \(printable(path)) to its end (on a terminal: Ctrl-D)") }
        let result = try composition.client.send(try openInput(path), options: options)
        console.clearLine()
        try composition.printMessages(result, drawsCode: message.qr)
    }
}

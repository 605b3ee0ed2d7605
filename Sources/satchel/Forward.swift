import ArgumentParser
import MediaClient
import MediaMessage

struct Forward: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sends on what a message tells of, without moving a byte of it; prints the new message.",
        discussion: """
            The server goes on holding the file under a lease of your own, whatever becomes of the sender's. If it has \
            the file no more and you sent it yourself, --file names the file that was sent, exactly as the recipients \
            have it: sealed again it is the same blob, and the old messages open again.
            """)

    @Argument(help: "A message, a link, a file that holds one, or - for standard input.")
    var message: String

    @Option(help: ArgumentHelp("Another caption; an empty one takes it away.", valueName: "text"))
    var caption: String?

    @Option(help: ArgumentHelp("The exact file, for a server that has lost it.", valueName: "path"))
    var file: String?

    @Option(help: ArgumentHelp("json or link.", valueName: "format"))
    var format: String?

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Lease") var lease: LeaseOptions
    @OptionGroup(title: "Upload") var upload: UploadOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var voice: VoiceOptions

    func run() throws {
        let terminal = voice.terminal
        let own: [Setting: String] = format.map { [.format: $0] } ?? [:]
        let flags = [server.flags, lease.flags, connection.flags, upload.flags, own].reduce([:]) {
            $0.merging($1) { $1 }
        }
        let composition = try Composition(flags: flags, terminal: terminal)
        try lease.check(composition.settings)
        defer { terminal.clearLine() }
        let message = try MessageSource.read(message, terminal: terminal)
        let options = ForwardOptions(
            caption: caption, hasRecipientSecrets: lease.recipientSecrets, plaintextPath: file)
        let dispatch: Dispatch
        do { dispatch = try composition.client.forward(message, options: options) } catch {
            throw hint(error)
        }
        terminal.clearLine()
        try composition.print(dispatch)
        composition.sendWaitingReceipts()
    }

    /// What else can be done where the server has the file no more.
    private func hint(_ error: any Error) -> any Error {
        guard file == nil, let ending = Ending(error), [Ending.gone, Ending.notFound].contains(ending.code) else {
            return error
        }
        return Ending("\(ending.sentence); with the exact file at hand: --file PATH", ending.code)
    }
}

import ArgumentParser
import Files
import MediaClient
import MediaMessage
import Transfer

struct OpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Downloads, verifies and decrypts the file a message points to; prints its path.",
        discussion: """
            Nothing is written to the output before the whole file is verified. Files are downloaded only from the hosts in \
            the setting `servers`, by default the host of SATCHEL_SERVER. Other hosts need --from, or a yes on the terminal.

            Once the file is in place, delivery is confirmed to the server in the message, unless --no-receipt is given. If \
            that server cannot be reached, the receipt is sent later.
            """)

    @Argument(help: ArgumentHelp(MessageSource.help))
    var message: String

    @OptionGroup var target: TargetOptions

    @Option(help: ArgumentHelp("Download from this host this time; public addresses only.", valueName: "host"))
    var from: [String] = []

    @Flag(help: "Do not confirm delivery.")
    var noReceipt = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let console = output.console
        let receipt: [SettingKey: String] = noReceipt ? [.receipt: "no"] : [:]
        let composition = try Composition(flags: merged(connection.flags, receipt), console: console)
        let named = try from.map { text throws(ExitError) in
            guard let pattern = HostPattern(text) else {
                throw ExitError("--from: \(printable(text)) is not a host", .usage)
            }
            return pattern
        }
        let message = try MessageSource.read(message, console: console)
        defer { console.clearLine() }
        let opened = try composition.client.open(
            message, to: target.openTarget(), replacing: target.force, named: named)
        console.clearLine()
        // The file is in place, and its path is printed first: only then the receipt.
        defer { if let receipt = opened.receipt { composition.client.report(receipt) } }
        if let path = opened.path { try printResult(path) }
    }
}

extension TargetOptions {
    func openTarget() throws(ExitError) -> OpenTarget {
        guard let path else { return .folder(".") }
        if path == "-" { return .stream(1) }
        let status: FileStatus?
        do { status = try Folder.status(path, followsLinks: true) } catch {
            throw ExitError(error.description, .cannotCreate)
        }
        return status?.kind == .folder ? .folder(path) : .path(path)
    }
}

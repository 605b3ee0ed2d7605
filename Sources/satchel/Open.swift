import ArgumentParser
import Files
import MediaClient
import MediaMessage
import Transfer

struct Open: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetches, verifies and opens what a message tells of; prints the path.",
        discussion: """
            Nothing is shown before all of it is verified. Files are fetched from the hosts of the setting `servers` \
            only, which is the host of SATCHEL_SERVER unless it is set; others need --from, or a yes on the terminal.

            Once the file is in place, the message's own server is told "delivered", unless --no-receipt forbids it; \
            if it is away, later.
            """)

    @Argument(help: "A message, a link, a file that holds one, or - for standard input.")
    var message: String

    @OptionGroup var target: TargetOptions

    @Option(help: ArgumentHelp("A host to fetch from this one time; public addresses only.", valueName: "host"))
    var from: [String] = []

    @Flag(help: "Do not tell the sender's server that it has arrived.")
    var noReceipt = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var voice: VoiceOptions

    func run() throws {
        let terminal = voice.terminal
        let receipt: [Setting: String] = noReceipt ? [.receipt: "no"] : [:]
        let composition = try Composition(flags: connection.flags.merging(receipt) { $1 }, terminal: terminal)
        let named = try from.map { text throws(Ending) in
            guard let pattern = HostPattern(text) else {
                throw Ending("--from: \(printable(text)) is no host", Ending.usage)
            }
            return pattern
        }
        let message = try MessageSource.read(message, terminal: terminal)
        defer { terminal.clearLine() }
        let opened = try composition.client.open(
            message, to: target.openTarget(), replacing: target.force, named: named)
        terminal.clearLine()
        // The file is there, and known to be: only now its sender.
        defer { if let receipt = opened.receipt { composition.client.report(receipt) } }
        if let path = opened.path { try printResult(path) }
    }
}

extension TargetOptions {
    func openTarget() throws(Ending) -> OpenTarget {
        guard let output else { return .folder(".") }
        if output == "-" { return .stream(1) }
        let status: FileStatus?
        do { status = try Folder.status(output, followsLinks: true) } catch {
            throw Ending(error.description, Ending.cannotCreate)
        }
        return status?.kind == .folder ? .folder(output) : .path(output)
    }
}

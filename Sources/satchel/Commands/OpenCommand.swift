import ArgumentParser
import Blobs
import Files
import MediaClient
import MediaMessage
import Transfer

struct OpenCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Downloads, verifies and decrypts the file a message points to; prints its path.",
        discussion: """
            Nothing is written to the output before the whole file is verified. Files are downloaded only from the \
            hosts in the setting `servers`, by default the host of SATCHEL_SERVER. Other hosts need --from, or a yes \
            on the terminal. A file with several messages, one a line, opens all of their files. In a folder, such as \
            the current one, nothing is replaced: if the name is taken, `beach (2).jpg` or the like is found. An aesgcm: \
            link of another chat client opens in the same way, up to 512 MiB.

            Once the file is in place, delivery is confirmed to the server in the message, unless --no-receipt is \
            given. If that server cannot be reached, the receipt is sent later.
            """)

    @Argument(help: ArgumentHelp("\(MessageSource.help) Without one, a terminal asks for it."))
    var message: [String] = []

    @OptionGroup var target: TargetOptions

    @Option(help: ArgumentHelp("Download from this host this time; public addresses only.", valueName: "host"))
    var from: [String] = []

    @Flag(help: "Do not confirm delivery.")
    var noReceipt = false

    @OptionGroup(title: "Download") var download: DownloadOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var help: HelpOptions

    var flags: [SettingKey: String] {
        merged(connection.flags, download.flags, noReceipt ? [.receipt: "no"] : [:])
    }

    func validate() throws {
        guard message.isEmpty, !Process.isTerminal(0) else { return }
        throw ValidationError("Missing expected argument '<message> ...'; - is standard input")
    }

    func run() throws {
        let console = output.console
        let composition = try Composition(flags: flags, console: console, keepsState: false)
        let named = try from.map { text throws(ExitError) in
            guard let pattern = HostPattern(text) else {
                throw ExitError("--from: \(printable(text)) is not a host", .usage)
            }
            return pattern
        }
        var seen: Set<AnyHashable> = []
        // Of messages for several recipients of one file, one is enough.
        let arguments = message.isEmpty ? ["-"] : message
        let files = try arguments.flatMap { try MessageSource.readFiles($0, console: console) }.filter { file in
            switch file {
            case .message(let message): seen.insert(message.address).inserted
            case .aesgcm(let link): seen.insert(link).inserted
            }
        }
        let place = try target.openTarget()
        if files.count == 1 { return try open(files[0], to: place, named, composition.client, console) }
        guard case .folder = place else {
            throw ExitError("these are \(files.count) messages: -o takes a folder for their files", .usage)
        }
        try openAll(files, to: place, named, composition.client, console)
    }

    /// Tries all of them; the first failure decides the exit code.
    private func openAll(
        _ files: [SharedFile], to place: OpenTarget, _ named: [HostPattern], _ client: MediaClient,
        _ console: Console
    ) throws {
        var first: ExitError?
        for file in files {
            do { try open(file, to: place, named, client, console) } catch {
                guard let ending = ExitError(error), !ending.isUnread else { throw error }
                console.notify("\(subject(of: file)): \(ending.sentence)")
                first = first ?? ending
            }
        }
        if let first { throw ExitError("not every file was opened", first.code) }
    }

    private func subject(of file: SharedFile) -> String {
        switch file {
        case .message(let message): message.address.abbreviated
        case .aesgcm(let link): link.fileName
        }
    }

    private func open(
        _ file: SharedFile, to place: OpenTarget, _ named: [HostPattern], _ client: MediaClient, _ console: Console
    ) throws {
        defer { console.clearLine() }
        let opened =
            switch file {
            case .message(let message):
                try client.open(message, to: place, replacing: target.force, named: named)
            case .aesgcm(let link): try client.open(link, to: place, replacing: target.force, named: named)
            }
        console.clearLine()
        // The file is in place, and its path is printed first: only then the receipt.
        defer { if let receipt = opened.receipt { client.report(receipt) } }
        if let path = opened.path { try printPath(path) }
    }
}

extension TargetOptions {
    func openTarget() throws(ExitError) -> OpenTarget { try path.map(satchel.openTarget) ?? .folder(".") }
}

/// Where a path of the command line leads: `-` is standard output.
func openTarget(_ path: String) throws(ExitError) -> OpenTarget {
    if path == "-" { return .stream(1) }
    let status: FileStatus?
    do { status = try Folder.status(path, followsLinks: true) } catch {
        throw ExitError(error.description, .cannotCreate)
    }
    if status == nil, path.hasSuffix("/") {
        throw ExitError("there is no folder \(printable(path)); make it first", .cannotCreate)
    }
    return status?.kind == .folder ? .folder(path) : .path(path)
}

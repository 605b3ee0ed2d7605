import ArgumentParser
import Files
import MediaClient
import MediaMessage
import Transfer

/// What is printed besides results.
struct OutputOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print only results and errors.")
    var quiet = false

    var console: Console { Console(isQuiet: quiet) }
}

/// How to reach servers.
struct ConnectionOptions: ParsableArguments {
    @Flag(help: "Permit plain http to other machines.")
    var allowHTTP = false

    @Option(help: ArgumentHelp("Seconds to wait for a connection.", valueName: "seconds"))
    var connectTimeout: String?

    @Option(help: ArgumentHelp("Give up after this many seconds without progress.", valueName: "seconds"))
    var stallTimeout: String?

    @Option(
        help: ArgumentHelp("Attempts for each request when the network or the server fails.", valueName: "number"))
    var attempts: String?

    @Option(help: ArgumentHelp("Trust these certificates instead of the system's (PEM).", valueName: "file"))
    var caFile: String?

    var flags: [SettingKey: String] {
        [
            .allowHTTP: allowHTTP ? "yes" : nil, .connectTimeout: connectTimeout, .stallTimeout: stallTimeout,
            .attempts: attempts, .certificateFile: caFile,
        ].compactMapValues { $0 }
    }
}

/// How a sealed file is uploaded.
struct UploadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Sealed size from which uploads are resumable.", valueName: "bytes"))
    var resumableFrom: String?

    var flags: [SettingKey: String] { [.resumableFrom: resumableFrom].compactMapValues { $0 } }
}

/// Which server, and with which ticket.
struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Server URL: https://host[:port][/path].", valueName: "url"))
    var server: String?

    @Option(help: ArgumentHelp("File that contains the ticket.", valueName: "file"))
    var ticketFile: String?

    var flags: [SettingKey: String] { [.server: server, .ticketFile: ticketFile].compactMapValues { $0 } }
}

/// How long the file is kept, and for whom.
struct LeaseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long the server keeps the file: 45s, 90m, 12h, 30d, 2w.", valueName: "time"))
    var lifetime: String?

    @Option(
        help: ArgumentHelp(
            "Number of expected recipients; the server deletes the file once all have confirmed.", valueName: "number"))
    var recipients: String?

    @Flag(
        help: "Print a separate message for each recipient, so that none can confirm delivery for another; at most 256.")
    var recipientSecrets = false

    var flags: [SettingKey: String] { [.lifetime: lifetime, .recipients: recipients].compactMapValues { $0 } }

    /// Checks that flags and other settings go together.
    func check(_ settings: Settings) throws(ExitError) {
        guard recipientSecrets else { return }
        guard settings.format == .json else {
            throw ExitError("--recipient-secrets needs --format json: links carry no receipt secret", .usage)
        }
        guard let count = settings.recipients, count <= MediaClient.recipientSecretLimit else {
            throw ExitError(
                "--recipient-secrets needs --recipients, from 1 to \(MediaClient.recipientSecretLimit)", .usage)
        }
    }
}

/// What happens to a file before it is sealed, and what the message says about it.
struct ContentOptions: ParsableArguments {
    static let qualityHelp = "Picture quality: standard (1600 pixels), high (4096) or original."

    @Option(help: ArgumentHelp(qualityHelp, valueName: "quality"))
    var quality: String?

    @Option(
        help: ArgumentHelp(
            "How much the blob's size hides the file's: none, sixteenths, eighths or power-of-two.", valueName: "policy"))
    var padding: String?

    @Option(help: ArgumentHelp("Caption; at most 1024 bytes.", valueName: "text"))
    var caption: String?

    @Option(
        help: ArgumentHelp("Description for people who cannot see the picture; at most 512 bytes.", valueName: "text"))
    var alt: String?

    @Option(help: "File name in the message; for a single FILE.")
    var name: String?

    @Flag(help: "Do not include the file name.")
    var noName = false

    @Flag(help: "Do not include a preview.")
    var noPreview = false

    @Option(help: ArgumentHelp("Message format: json or link.", valueName: "format"))
    var format: String?

    @Flag(help: "Accept damaged pictures; replace existing files.")
    var force = false

    var flags: [SettingKey: String] {
        [
            .quality: quality, .padding: padding, .format: format, .name: noName ? "no" : nil,
            .preview: noPreview ? "no" : nil,
        ].compactMapValues { $0 }
    }

    func validate() throws {
        if name != nil && noName { throw ValidationError("--name and --no-name exclude each other") }
    }

    /// What the message says about the file at `path`. Its own name is included unless that is turned off.
    func sendOptions(for path: String, _ settings: Settings) -> SendOptions {
        let own = path == "-" ? nil : path.split(separator: "/").last.map(String.init)
        return SendOptions(
            name: name ?? (settings.hasName ? own : nil), caption: caption, alt: alt, acceptsCorruption: force)
    }
}

/// Where an opened file goes.
struct TargetOptions: ParsableArguments {
    @Option(
        name: [.short, .customLong("output")],
        help: ArgumentHelp("A file, a folder, or - for standard output.", valueName: "path"))
    var path: String?

    @Flag(help: "Replace an existing file.")
    var force = false
}

/// Flags of several groups.
func merged(_ flags: [SettingKey: String]...) -> [SettingKey: String] {
    flags.reduce([:]) { $0.merging($1) { $1 } }
}

/// A MESSAGE on the command line: the message itself, a link, a file that contains either, or `-` for standard input.
enum MessageSource {
    static let help = "A message, a link, a file that contains one, or - for standard input."

    /// More than any message or link, with room for white space.
    private static let limitBytes: Int64 = 16 * 1024

    /// Whether an argument is itself a message or a link, which contain a key.
    static func isMessage(_ argument: String) -> Bool {
        let text = argument.drop { $0.isWhitespace }
        return text.hasPrefix("{") || text.contains("://") && text.contains("#")
    }

    /// Reads and checks the message. On a terminal, warns about a message among the arguments.
    static func read(_ argument: String, requiresLocation: Bool = true, console: Console) throws -> MediaMessage {
        if isMessage(argument) {
            if Process.isTerminal(2) {
                console.notify("warning: other users can see a message in the arguments; use a pipe (-) or a file instead")
            }
            return try MediaMessage.read(argument, requiresLocation: requiresLocation)
        }
        guard let text = try text(argument) else {
            throw ExitError("\(argument) is not a message: it is too long or not UTF-8 text", .badData)
        }
        return try MediaMessage.read(text, requiresLocation: requiresLocation)
    }

    private static func text(_ argument: String) throws(ExitError) -> String? {
        do throws(FileError) {
            let file = argument == "-" ? try OpenFile.duplicating(0) : try OpenFile(argument, .read)
            return try file.text(limitBytes: limitBytes)
        } catch {
            throw ExitError("cannot read the message: \(error)", .noInput)
        }
    }
}

/// A LEASE on the command line: its name, the beginning of its blob's address, or the message that was sent.
enum LeaseArgument {
    static let help =
        "A lease by its name (3fa9c1d2-7b01), or its message: the message, a link, a file that contains one, or -."

    /// `all` is a keyword only if `allowsAll`.
    static func read(_ argument: String, allowsAll: Bool = false, console: Console) throws -> LeaseSelector {
        if allowsAll, argument == "all" { return .all }
        if let pattern = LeasePattern(argument) { return .pattern(pattern) }
        return .message(try MessageSource.read(argument, requiresLocation: false, console: console))
    }
}

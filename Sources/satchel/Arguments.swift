import ArgumentParser
import Blobs
import Files
import MediaClient
import MediaMessage
import Transfer

/// A command with flags that stand for settings.
protocol ConfiguredCommand: ParsableCommand {
    /// The settings that its flags give, as text.
    var flags: [SettingKey: String] { get }
}

/// What is printed besides results.
struct OutputOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print only results, errors, and warnings about metadata that stays in a file.")
    var quiet = false

    var console: Console { Console(isQuiet: quiet) }
}

/// How to reach servers.
struct ConnectionOptions: ParsableArguments {
    @Flag(help: ArgumentHelp("Permit plain http to other machines.", visibility: .hidden))
    var allowHTTP = false

    @Option(help: ArgumentHelp("Seconds to wait for a connection.", valueName: "seconds", visibility: .hidden))
    var connectTimeout: String?

    @Option(
        help: ArgumentHelp(
            "Give up after this many seconds without progress.", valueName: "seconds", visibility: .hidden))
    var stallTimeout: String?

    @Option(
        help: ArgumentHelp(
            "Attempts for each request when the network or the server fails.", valueName: "number",
            visibility: .hidden))
    var attempts: String?

    @Option(
        help: ArgumentHelp(
            "Trust these certificates instead of the system's (PEM).", valueName: "file", visibility: .hidden))
    var caFile: String?

    var flags: [SettingKey: String] {
        [
            .allowHTTP: allowHTTP ? "yes" : nil, .connectTimeout: connectTimeout, .stallTimeout: stallTimeout,
            .attempts: attempts, .certificateFile: caFile,
        ].compactMapValues { $0 }
    }

    /// A patient command tries as often as it takes.
    func refuseAttempts(with wait: Bool) throws {
        if wait, attempts != nil { throw ValidationError("--wait and --attempts exclude each other") }
    }
}

/// What is worth downloading.
struct DownloadOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Give up a download slower than this many bytes a second, over the stall timeout; default: 1KiB.",
            valueName: "bytes", visibility: .hidden))
    var downloadRate: String?

    @Option(
        help: ArgumentHelp(
            "Largest sealed file to download; default: 2GiB.", valueName: "bytes", visibility: .hidden))
    var downloadLimit: String?

    @Option(
        help: ArgumentHelp(
            "Caches to download from first, separated by commas: https://host[:port][/path].", valueName: "urls",
            visibility: .hidden))
    var edges: String?

    var flags: [SettingKey: String] {
        [.downloadRate: downloadRate, .downloadLimit: downloadLimit, .edges: edges].compactMapValues { $0 }
    }
}

/// How a sealed file is uploaded.
struct UploadOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Sealed size from which uploads are resumable.", valueName: "bytes", visibility: .hidden))
    var resumableFrom: String?

    var flags: [SettingKey: String] { [.resumableFrom: resumableFrom].compactMapValues { $0 } }
}

/// Which server, and with which ticket.
struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Server URL: https://host[:port][/path].", valueName: "url"))
    var server: String?

    @Option(help: ArgumentHelp("File that contains the ticket.", valueName: "file", visibility: .hidden))
    var ticketFile: String?

    var flags: [SettingKey: String] { [.server: server, .ticketFile: ticketFile].compactMapValues { $0 } }

    /// Fails if a flag is about another server than the one that is asked: its ticket would be shown to nobody.
    func check(_ origin: HTTPOrigin, _ settings: Settings) throws(ExitError) {
        guard !flags.isEmpty, settings.server?.origin.isSameServer(as: origin) != true else { return }
        let given = settings.server.map { "the server given is \($0.origin)" } ?? "--ticket-file needs --server"
        throw ExitError("this is at \(origin), and \(given)", .usage)
    }
}

/// How long the file is kept, and for whom.
struct LeaseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long the server keeps the file: 45s, 90m, 12h, 30d, 2w, 1y.", valueName: "time"))
    var lifetime: String?

    @Option(
        help: ArgumentHelp(
            "Number of expected recipients; the server deletes the file once all have confirmed.", valueName: "number"))
    var recipients: String?

    @Flag(
        help: ArgumentHelp(
            "Print a separate message for each recipient, so that none can confirm delivery for another; at most 256.",
            visibility: .hidden))
    var recipientSecrets = false

    var flags: [SettingKey: String] { [.lifetime: lifetime, .recipients: recipients].compactMapValues { $0 } }

    /// Checks that flags and other settings go together.
    func check(_ settings: Settings) throws(ExitError) {
        guard recipientSecrets else { return }
        guard let count = settings.recipients, count <= MediaClient.recipientSecretLimit else {
            throw ExitError(
                "--recipient-secrets needs --recipients, from 1 to \(MediaClient.recipientSecretLimit)", .usage)
        }
    }
}

/// What happens to a file before it is sealed, and what the message says about it.
struct ContentOptions: ParsableArguments {
    static let qualityHelp = "Picture quality: standard (1600 pixels, the default), high (4096) or original."

    static let acceptDamageHelp = "Accept a damaged picture: send what can be read of it."

    static let asFileHelp = "Send the file bit for bit, with all its metadata: place, time, device."

    @Option(help: ArgumentHelp(qualityHelp, valueName: "quality"))
    var quality: String?

    @Option(
        help: ArgumentHelp(
            "How much the blob's size hides the file's: none, sixteenths, eighths (the default) or power-of-two.",
            valueName: "policy", visibility: .hidden))
    var padding: String?

    @Option(help: ArgumentHelp("Caption; at most 1024 bytes.", valueName: "text"))
    var caption: String?

    @Option(
        help: ArgumentHelp(
            "Description for people who cannot see the picture; at most 512 bytes.", valueName: "text",
            visibility: .hidden))
    var alt: String?

    @Option(help: "File name in the message; for a single file.")
    var name: String?

    @Flag(help: ArgumentHelp("Do not include the file name.", visibility: .hidden))
    var noName = false

    @Flag(help: ArgumentHelp("Do not include a preview, nor a blurred placeholder.", visibility: .hidden))
    var noPreview = false

    @Flag(help: ArgumentHelp(ContentOptions.acceptDamageHelp, visibility: .hidden))
    var acceptDamage = false

    @Flag(help: ArgumentHelp(ContentOptions.asFileHelp))
    var asFile = false

    var flags: [SettingKey: String] {
        [
            .quality: quality, .padding: padding, .name: noName ? "no" : nil, .preview: noPreview ? "no" : nil,
        ].compactMapValues { $0 }
    }

    func validate() throws {
        if name == "" { throw ValidationError("--name needs a name; --no-name leaves it out") }
        if name != nil && noName { throw ValidationError("--name and --no-name exclude each other") }
        try Self.check(asFile: asFile, quality: quality, acceptDamage: acceptDamage)
        try requireText(["--caption": caption, "--alt": alt, "--name": name])
    }

    /// A file that is sent bit for bit is neither compressed nor mended.
    static func check(asFile: Bool, quality: String?, acceptDamage: Bool) throws {
        if asFile && quality != nil { throw ValidationError("--as-file and --quality exclude each other") }
        if asFile && acceptDamage { throw ValidationError("--as-file and --accept-damage exclude each other") }
    }

    /// What the message says about the file at `path`. Its own name is included unless that is turned off.
    func sendOptions(for path: String, _ settings: Settings) -> SendOptions {
        SendOptions(
            name: name.map(SentName.given) ?? SentName(ofFile: path, settings), caption: caption, alt: alt,
            acceptsCorruption: acceptDamage, isAsItIs: asFile)
    }

    /// A link has no room for texts.
    func check(_ settings: Settings) throws(ExitError) {
        for (flag, value) in [("--caption", caption), ("--alt", alt)] where value != nil {
            try requireJSON(flag, settings)
        }
    }
}

/// Where an opened file goes.
struct TargetOptions: ParsableArguments {
    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "A file, a folder, or - for standard output; default: the current folder.", valueName: "path"))
    var path: String?

    @Flag(help: "Replace an existing file.")
    var force = false

    func validate() throws {
        if force && path == "-" { throw ValidationError("--force replaces a file, and -o - writes to none") }
    }
}

/// The letters that are flags by themselves, or together: `-qo`.
let flagLetters: Set<Character> = ["h", "o", "q"]

/// Fails for the name of a file that begins with a dash, which the parser would take for flags: `-photo.jpg` begins with
/// `-p` and asks for `-h`.
func refuseDashedNames(in arguments: some Sequence<String>) throws(ExitError) {
    for argument in arguments.prefix(while: { $0 != "--" })
    where argument.hasPrefix("-") && !argument.hasPrefix("--") && !flagLetters.isSuperset(of: argument.dropFirst()) {
        let name = printable(argument)
        throw ExitError("\(name) is no flag; for a file of that name, write ./\(name), or -- before it", .usage)
    }
}

/// Fails for a first argument that is neither a command nor a flag: the parser would only count what it did not expect.
func refuseUnknownCommand(_ first: String?) throws(ExitError) {
    let names = Satchel.configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard let first, !first.hasPrefix("-"), !names.contains(first) else { return }
    if MessageSource.isMessage(first) { throw ExitError("a message follows a command: satchel open MESSAGE", .usage) }
    throw ExitError("there is no command \"\(printable(first))\"; see satchel --help", .usage)
}

/// Fails for a flag whose value a link does not carry.
func requireJSON(_ flag: String, _ settings: Settings) throws(ExitError) {
    guard settings.format == .json else {
        throw ExitError("\(flag) needs --format json: a link carries no texts", .usage)
    }
}

/// Fails for texts that a message cannot carry.
func requireText(_ texts: [String: String?]) throws {
    for (flag, text) in texts {
        if let text, !PathText.isUnicode(text) { throw ValidationError("\(flag) is not UTF-8 text") }
    }
}

/// Flags of several groups.
func merged(_ flags: [SettingKey: String]...) -> [SettingKey: String] {
    flags.reduce([:]) { $0.merging($1) { $1 } }
}

/// A MESSAGE on the command line: the message itself, a link, a file that contains either, or `-` for standard input.
enum MessageSource {
    static let help = "A message, a link, a file that contains one, or - for standard input."

    /// As much as 256 messages, one for each recipient, with room for white space.
    private static let limitBytes: Int64 = 2 << 20

    /// Whether an argument is itself a message or a link, which contain a key.
    static func isMessage(_ argument: String) -> Bool {
        let text = argument.drop { $0.isWhitespace }
        return text.hasPrefix("{") || AESGCMLink.begins(text)
            || text.contains("://") && (text.contains("#") || text.contains("/open/"))
    }

    /// Reads and checks the only message.
    static func read(_ argument: String, requiresLocation: Bool = true, console: Console) throws -> MediaMessage {
        let messages = try readAll(argument, requiresLocation: requiresLocation, console: console)
        guard messages.count == 1, let message = messages.first else {
            throw ExitError("\(argument) has \(messages.count) messages, and this takes one", .usage)
        }
        return message
    }

    /// Reads and checks the messages, one at least, all of them our own.
    static func readAll(
        _ argument: String, requiresLocation: Bool = true, console: Console
    ) throws -> [MediaMessage] {
        try readFiles(argument, requiresLocation: requiresLocation, console: console).map { try $0.message() }
    }

    /// Reads and checks the messages, one at least: a file may have one on each line. On a terminal, warns about a
    /// message among the arguments.
    static func readFiles(
        _ argument: String, requiresLocation: Bool = true, console: Console
    ) throws -> [SharedFile] {
        if isMessage(argument) {
            if Process.isTerminal(2) {
                console.notify(
                    "warning: other users can see a message in the arguments; use a pipe (-) or a file instead")
            }
            return try SharedFile.readAll(Array(argument.utf8), requiresLocation: requiresLocation)
        }
        guard let bytes = try bytes(argument, console) else {
            throw ExitError(
                "\(printable(argument)) is not a message: it has more than \(limitBytes >> 20) MiB", .badData)
        }
        let name = argument == "-" ? "standard input" : argument
        if let why = whyNone(bytes) { throw ExitError("\(printable(name)) is not a message: \(why)", .badData) }
        do { return try SharedFile.readAll(bytes, requiresLocation: requiresLocation) } catch MessageError.missing(
            "url")
        {
            throw ExitError(
                "\(printable(name)) does not say where its file is, since `satchel seal` made it; with the sealed blob at "
                    + "hand: satchel unseal \(printable(argument)) BLOB", .badData)
        } catch {
            throw ExitError(error)?.about(name) ?? error
        }
    }

    /// Whether what somebody has typed or pasted so far is a message: a link on its line, or a JSON object.
    static func isWhole(_ bytes: [UInt8]) -> Bool {
        guard bytes.last == 0x0a else { return false }
        let text = String(decoding: bytes, as: UTF8.self).drop { $0.isWhitespace }
        if AESGCMLink.begins(text) || HTTPOrigin.splitScheme(text) != nil { return true }
        guard case .object? = try? JSONReader.read(bytes) else { return false }
        return true
    }

    private static func bytes(_ argument: String, _ console: Console) throws(ExitError) -> [UInt8]? {
        if let why = whyNoFile(argument) { throw ExitError(why, .usage) }
        do throws(FileError) {
            if argument == "-" {
                let isTyped = Process.isTerminal(0)
                if isTyped { console.notify("paste the link or message, then press Enter") }
                return try OpenFile.duplicating(0).contents(limitBytes: limitBytes) { isTyped && isWhole($0) }
            }
            let file = try OpenFile(argument, .read)
            if try file.status().kind != .folder { return try file.contents(limitBytes: limitBytes) }
        } catch {
            throw ExitError("cannot read the message: \(error)", .noInput)
        }
        let folder = printable(argument)
        throw ExitError("\(folder) is a folder and no message; to write into it, use -o \(folder)", .noInput)
    }
}

/// A LEASE on the command line: its name, the beginning of its blob's address, or the message that was sent.
enum LeaseArgument {
    static let help =
        "A lease by its name (3fa9c1d2-7b01), or its message: the message, a link, a file that contains one, or -."

    /// `all` is a keyword only if `allowsAll`.
    static func read(_ argument: String, allowsAll: Bool = false, console: Console) throws -> [LeaseSelector] {
        if allowsAll, argument == "all" { return [.all] }
        if let pattern = LeasePattern(argument) { return [.pattern(pattern)] }
        if isMistaken(argument) {
            throw ExitError(
                "\(printable(argument)) is neither a lease, such as 3fa9c1d2-7b01, nor a file with a message", .noInput)
        }
        return try MessageSource.readAll(argument, requiresLocation: false, console: console).map { .message($0) }
    }

    /// Whether it is no message itself, and no file has that name.
    private static func isMistaken(_ argument: String) -> Bool {
        guard argument != "-", !MessageSource.isMessage(argument), MessageSource.whyNoFile(argument) == nil else {
            return false
        }
        do { return try Folder.status(argument, followsLinks: true) == nil } catch { return false }
    }
}

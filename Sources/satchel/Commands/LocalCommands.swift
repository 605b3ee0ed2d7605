import ArgumentParser
import Files
import MediaClient
import MediaMessage

// Commands that need no server.

struct SealCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Encrypts a file into a sealed blob without a server; prints a message without a location.")

    @Argument(help: "File to seal; - is standard input.")
    var file: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Write the sealed blob to this file.", valueName: "blob"))
    var output: String

    @Flag(help: "Replace an existing file.")
    var force = false

    @Option(
        help: ArgumentHelp("Message format: json; a link needs the location of the blob.", valueName: "format"))
    var format: String?

    @OptionGroup(title: "Content") var content: ContentOptions
    @OptionGroup var voice: OutputOptions
    @OptionGroup var help: HelpOptions

    func validate() throws {
        if format == MessageFormat.link.rawValue {
            throw ValidationError("a link needs the location of the blob, which is not known yet")
        }
        if output == "-" { throw ValidationError("-o needs a file: standard output takes the message") }
    }

    var flags: [SettingKey: String] { merged(content.flags, [.format: format].compactMapValues { $0 }) }

    func run() throws {
        let console = voice.console
        let composition = try Composition(flags: flags, console: console, keepsState: false)
        defer { console.clearLine() }
        let options = content.sendOptions(for: file, composition.settings)
        let message = try composition.client.seal(
            try openInput(file), options: options, to: output, replacing: force)
        console.clearLine()
        try printResult(message.encoded())
    }
}

struct UnsealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unseal",
        abstract: "Verifies and decrypts a sealed blob that is already here, without a server; prints the path.")

    @Argument(help: ArgumentHelp(MessageSource.help))
    var message: String

    @Argument(help: "The sealed blob; - is standard input.")
    var blob: String

    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let console = output.console
        let composition = try Composition(flags: [:], console: console, keepsState: false)
        let message = try MessageSource.read(message, requiresLocation: false, console: console)
        defer { console.clearLine() }
        let path = try composition.client.unseal(
            message, blob: try openInput(blob), to: target.openTarget(), replacing: target.force)
        console.clearLine()
        if let path { try printPath(path) }
    }
}

struct PrepareCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare",
        abstract: "Writes a file as it would be sent, before encryption, and says what was changed.")

    @Argument(help: "File to prepare; - is standard input.")
    var file: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Write the result to this file or into this folder; - is standard output.", valueName: "path"))
    var output: String?

    @Flag(help: "Write nothing; print the size to request a slot with, for send --slot.")
    var slotSize = false

    @Option(help: ArgumentHelp(ContentOptions.qualityHelp, valueName: "quality"))
    var quality: String?

    @Flag(help: ArgumentHelp(ContentOptions.acceptDamageHelp))
    var acceptDamage = false

    @Flag(help: ArgumentHelp(ContentOptions.asFileHelp))
    var asFile = false

    @Flag(help: "Replace an existing file.")
    var force = false

    @OptionGroup var voice: OutputOptions

    func validate() throws {
        try ContentOptions.check(asFile: asFile, quality: quality, acceptDamage: acceptDamage)
        if output == nil && !slotSize { throw ValidationError("-o says where the result goes") }
        if output != nil && slotSize { throw ValidationError("-o and --slot-size exclude each other") }
        if force && slotSize { throw ValidationError("--force replaces a file, and --slot-size writes none") }
        if force && output == "-" { throw ValidationError("--force replaces a file, and -o - writes to none") }
    }

    var flags: [SettingKey: String] { [.quality: quality].compactMapValues { $0 } }

    func run() throws {
        let composition = try Composition(flags: flags, console: voice.console, keepsState: false)
        let options = SendOptions(
            name: SentName(ofFile: file, composition.settings), acceptsCorruption: acceptDamage, isAsItIs: asFile)
        guard let output else {
            return try printResult("\(composition.client.slotSize(of: try openInput(file), options: options))")
        }
        let path = try composition.client.prepare(
            try openInput(file), options: options, to: openTarget(output), replacing: force)
        if let path { try printPath(path) }
    }
}

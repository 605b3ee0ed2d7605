import ArgumentParser
import MediaClient
import MediaMessage

struct Seal: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seals a file into a blob without a server; prints a message that does not say where the blob is.")

    @Argument(help: "The file to seal; - is standard input.")
    var file: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where to write the sealed blob.", valueName: "blob"))
    var output: String

    @OptionGroup(title: "Content") var content: ContentOptions
    @OptionGroup var voice: VoiceOptions

    func validate() throws {
        if content.format == MessageFormat.link.rawValue {
            throw ValidationError("a link says where the blob is, which nobody knows yet")
        }
    }

    func run() throws {
        let terminal = voice.terminal
        let composition = try Composition(flags: content.flags, terminal: terminal)
        defer { terminal.clearLine() }
        let options = content.sendOptions(for: file, composition.settings)
        let message = try composition.client.seal(
            try openInput(file), options: options, to: output, replacing: content.force)
        terminal.clearLine()
        try printResult(message.encoded())
    }
}

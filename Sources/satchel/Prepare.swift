import ArgumentParser
import MediaClient

struct Prepare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes what would leave this machine, before it is sealed; says what was done.")

    @Argument(help: "The file to prepare; - is standard input.")
    var file: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where to write it.", valueName: "file"))
    var output: String

    @Option(help: ArgumentHelp("standard (1600 pixels), high (4096) or original.", valueName: "quality"))
    var quality: String?

    @Flag(help: "Accept damaged pictures; replace a file that is there.")
    var force = false

    @OptionGroup var voice: VoiceOptions

    func run() throws {
        let flags: [Setting: String] = quality.map { [.quality: $0] } ?? [:]
        let terminal = voice.terminal
        let composition = try Composition(flags: flags, terminal: terminal)
        _ = try composition.client.prepare(
            try openInput(file), options: SendOptions(acceptsCorruption: force), to: output, replacing: force)
        try printResult(output)
    }
}

import ArgumentParser
import Files
import MediaClient
import MediaMessage

struct Unseal: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Opens a sealed blob that is here already; needs no server. Prints the path.")

    @Argument(help: "A message, a link, a file that holds one, or - for standard input.")
    var message: String

    @Argument(help: "The sealed blob.")
    var blob: String

    @OptionGroup var target: TargetOptions
    @OptionGroup var voice: VoiceOptions

    func run() throws {
        let terminal = voice.terminal
        let composition = try Composition(flags: [:], terminal: terminal)
        let message = try MessageSource.read(message, requiresLocation: false, terminal: terminal)
        defer { terminal.clearLine() }
        let path = try composition.client.unseal(
            message, blob: try openInput(blob), to: target.openTarget(), replacing: target.force)
        terminal.clearLine()
        if let path { try printResult(path) }
    }
}

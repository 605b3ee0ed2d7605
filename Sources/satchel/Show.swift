import ArgumentParser
import Files
import Imaging
import MediaClient
import MediaMessage

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tells what a message holds, in words; the key stays hidden. Asks no server.")

    @Argument(help: "A message, a link, a file that holds one, or - for standard input.")
    var message: String

    @Option(help: ArgumentHelp("Where to write the preview picture.", valueName: "file"))
    var preview: String?

    @Flag(help: "Replace a file that is there.")
    var force = false

    @OptionGroup var voice: VoiceOptions

    func run() throws {
        let message = try MessageSource.read(message, requiresLocation: false, terminal: voice.terminal)
        try printResult(MessageDescription(message).text)
        if let preview { try writePreview(of: message, to: preview) }
    }

    private func writePreview(of message: MediaMessage, to path: String) throws {
        guard let bytes = message.media.preview else {
            throw Ending("the message has no preview", Ending.badData)
        }
        do { _ = try checkPreview(bytes) } catch { throw MediaClientError.picture(error) }
        try writeNewFile(bytes, to: path, replacing: force)
    }
}

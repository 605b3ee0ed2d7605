import Files
import MediaClient
import MediaMessage

/// A MESSAGE on the command line: the message itself, a link, a file that holds either, or `-` for standard input.
enum MessageSource {
    /// More than any message or link has, with room for white space.
    private static let limitBytes: Int64 = 16 * 1024

    /// Whether an argument is itself a message or a link, so that it holds a key.
    static func isMessage(_ argument: String) -> Bool {
        let text = argument.drop { $0.isWhitespace }
        return text.hasPrefix("{") || text.contains("://") && text.contains("#")
    }

    /// Reads and checks the message. On a terminal it says where a message is safer than among the arguments.
    static func read(_ argument: String, requiresLocation: Bool = true, terminal: Terminal) throws -> MediaMessage {
        if isMessage(argument) {
            if Process.isTerminal(2) {
                terminal.say("a message among the arguments can be seen by others; a pipe (-) or a file is safer")
            }
            return try MediaMessage.read(argument, requiresLocation: requiresLocation)
        }
        guard let text = try text(argument) else {
            throw Ending("\(argument) is longer than any message, or no text", Ending.badData)
        }
        return try MediaMessage.read(text, requiresLocation: requiresLocation)
    }

    private static func text(_ argument: String) throws(Ending) -> String? {
        do throws(FileError) {
            let file =
                argument == "-" ? try OpenFile.duplicating(0) : try OpenFile(argument, .read)
            return try file.text(limitBytes: limitBytes)
        } catch {
            throw Ending("the message cannot be read: \(error)", Ending.noInput)
        }
    }
}

extension MediaMessage {
    /// Parses a message, as JSON or as a link.
    package static func read(_ text: String, requiresLocation: Bool = true) throws(MessageError) -> MediaMessage {
        let first = text.utf8.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        guard let first else { throw .empty }
        return first == UInt8(ascii: "{")
            ? try MediaMessage(parsing: text, requiresLocation: requiresLocation) : try MediaLink.parse(text)
    }

    /// Parses the messages in a file, as `SharedFile.readAll` does. Throws `.foreign` for a link of another chat client.
    package static func readAll(
        _ bytes: [UInt8], requiresLocation: Bool = true
    ) throws(MessageError) -> [MediaMessage] {
        var messages: [MediaMessage] = []
        for file in try SharedFile.readAll(bytes, requiresLocation: requiresLocation) {
            messages.append(try file.message())
        }
        return messages
    }
}

extension SharedFile {
    /// The message; throws `.foreign` if there is none.
    package func message() throws(MessageError) -> MediaMessage {
        guard case .message(let message) = self else { throw .foreign }
        return message
    }
}

import Blobs

extension MediaMessage {
    /// Parses a message, as JSON or as a link.
    package static func read(_ text: String, requiresLocation: Bool = true) throws(MessageError) -> MediaMessage {
        let first = text.utf8.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        guard let first else { throw .empty }
        return first == UInt8(ascii: "{")
            ? try MediaMessage(parsing: text, requiresLocation: requiresLocation) : try MediaLink.parse(text)
    }

    /// Parses the messages in a file: one that may take several lines, or one on each line. A byte-order mark is skipped.
    /// Throws `.empty` where there is none, and `.encoding` for text that is not UTF-8.
    package static func readAll(
        _ bytes: [UInt8], requiresLocation: Bool = true
    ) throws(MessageError) -> [MediaMessage] {
        let text = try utf8Text(bytes)
        let lines = text.split(whereSeparator: \.isNewline).map { trimmed(Array($0.utf8)) }.filter { !$0.isEmpty }
        guard lines.count > 1, lines.allSatisfy(startsMessage) else {
            return [try read(text, requiresLocation: requiresLocation)]
        }
        var messages: [MediaMessage] = []
        for line in lines {
            messages.append(try read(String(decoding: line, as: UTF8.self), requiresLocation: requiresLocation))
        }
        return messages
    }

    private static func startsMessage(_ line: [UInt8]) -> Bool {
        line.first == UInt8(ascii: "{") || HTTPOrigin.splitScheme(String(decoding: line, as: UTF8.self)) != nil
    }

    private static func utf8Text(_ bytes: [UInt8]) throws(MessageError) -> String {
        if let text = String(
            validating: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...], as: UTF8.self),
            !bytes.prefix(2).contains(0)
        {
            return text
        }
        let isUTF16 = [[0xFF, 0xFE], [0xFE, 0xFF]].contains { bytes.starts(with: $0) } || bytes.prefix(2).contains(0)
        throw .encoding(isUTF16 ? "is UTF-16; save it as UTF-8" : "is not UTF-8")
    }
}

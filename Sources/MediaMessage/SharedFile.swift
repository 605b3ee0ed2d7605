import Blobs

/// What a text from a chat leads to.
package enum SharedFile: Hashable, Sendable {
    /// A sealed blob.
    case message(MediaMessage)
    /// A file of another chat client.
    case aesgcm(AESGCMLink)

    /// Parses a message, as JSON or as a link of either kind.
    package static func read(_ text: String, requiresLocation: Bool = true) throws(MessageError) -> SharedFile {
        if AESGCMLink.begins(text.drop { $0.isWhitespace }) { return .aesgcm(try AESGCMLink(parsing: text)) }
        return .message(try MediaMessage.read(text, requiresLocation: requiresLocation))
    }

    /// Parses the messages in a file: one that may take several lines, or one on each line. A byte-order mark is skipped,
    /// and so is the thumbnail on the line behind an `aesgcm:` link (XEP-0454 §3). Throws `.empty` where there is none, and
    /// `.encoding` for text that is not UTF-8.
    package static func readAll(_ bytes: [UInt8], requiresLocation: Bool = true) throws(MessageError) -> [SharedFile] {
        let text = try utf8Text(bytes)
        var lines: [String] = []
        for line in text.split(whereSeparator: \.isNewline).map({ trimmed(Array($0.utf8)) }) where !line.isEmpty {
            let line = String(decoding: line, as: UTF8.self)
            let isThumbnail = line.hasPrefix("data:") && lines.last.map { AESGCMLink.begins($0) } == true
            if !isThumbnail { lines.append(line) }
        }
        let isLink = lines.count == 1 && AESGCMLink.begins(lines[0])
        guard isLink || lines.count > 1 && lines.allSatisfy(startsMessage) else {
            return [try read(text, requiresLocation: requiresLocation)]
        }
        var files: [SharedFile] = []
        for line in lines { files.append(try read(line, requiresLocation: requiresLocation)) }
        return files
    }

    private static func startsMessage(_ line: String) -> Bool {
        line.hasPrefix("{") || HTTPOrigin.splitScheme(line) != nil || AESGCMLink.begins(line)
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

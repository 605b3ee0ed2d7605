import Blobs

/// The message as a link for a person to paste. Browsers do not send the part after `#`.
///
///     <base>/open/<sha256>#v=1&k=<key>&s=<sealed size>&n=<plaintext size>&t=image/jpeg&f=beach.jpg
///
/// where the blob itself is at `<base>/<sha256>`. Percent-encoding as in RFC 3986, so `+` is a plus sign. Required: v,
/// k, s, n, t; unknown names are ignored, duplicate names are refused. Preview, caption and the rest are left out.
package enum MediaLink {
    private static let folder = "open"

    /// The link for `message`. Throws `.missing` for a message without URL, `.invalid`, and `.tooLong`.
    package static func format(_ message: MediaMessage) throws(MessageError) -> String {
        try message.check()
        guard let url = message.url else { throw .missing("url") }
        var fields = [
            ("v", "1"), ("k", Base64URL.encode(message.key)), ("s", String(message.size)),
            ("n", String(message.media.size)), ("t", message.media.type),
        ]
        if let name = message.media.name { fields.append(("f", name)) }
        let path = (url.folders + [folder, url.address.hex]).joined(separator: "/")
        let fragment = fields.map { "\($0)=\(percentEncoded($1))" }.joined(separator: "&")
        let link = "\(url.scheme.rawValue)://\(url.authority)/\(path)#\(fragment)"
        let bytesOver = link.utf8.count - MediaMessage.limitBytes
        guard bytesOver <= 0 else { throw .tooLong(bytesOver: bytesOver) }
        return link
    }

    /// Parses the message in a link, with the same checks as any message.
    package static func parse(_ text: String) throws(MessageError) -> MediaMessage {
        let text = String(decoding: trimmed(Array(text.utf8)), as: UTF8.self)
        let bytesOver = text.utf8.count - MediaMessage.limitBytes
        guard bytesOver <= 0 else { throw .tooLong(bytesOver: bytesOver) }
        guard isVisibleASCII(text) else { throw .notLink("it has characters that a link cannot have") }
        guard let hash = text.firstIndex(of: "#") else {
            throw .notLink("it has no #, after which the key would be")
        }
        let url = try blobURL(text[..<hash])
        let fields = try self.fields(text[text.index(after: hash)...])
        guard try required("v", fields) == "1" else { throw .version(fields["v"] ?? "") }
        guard let key = Base64URL.decode(try required("k", fields)) else { throw .invalid("k", "is invalid") }
        let message = MediaMessage(
            url: url, address: url.address, size: try integer("s", fields), key: key,
            media: Media(type: try required("t", fields), size: try integer("n", fields), name: fields["f"]))
        try message.check()
        return message
    }

    private static func blobURL(_ text: Substring) throws(MessageError) -> BlobURL {
        guard let place = WebPlace(text) else { throw .notLink("it is not an http or https URL") }
        guard place.parts.count >= 2, place.parts[place.parts.count - 2] == folder,
            let address = place.parts.last.flatMap({ BlobAddress(hex: $0) })
        else { throw .notLink("its path does not end with /\(folder)/ and the address of a blob") }
        return BlobURL(place, folders: place.parts.dropLast(2), address: address)
    }

    private static func fields(_ fragment: Substring) throws(MessageError) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in fragment.split(separator: "&", omittingEmptySubsequences: false) {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(sides[0]), let value = percentDecoded(sides.count == 2 ? sides[1] : "")
            else { throw .notLink("its percent-encoding is invalid") }
            guard fields.updateValue(value, forKey: name) == nil else { throw .doubled(name) }
        }
        return fields
    }

    private static func required(_ name: String, _ fields: [String: String]) throws(MessageError) -> String {
        guard let value = fields[name] else { throw .missing(name) }
        return value
    }

    private static func integer(_ name: String, _ fields: [String: String]) throws(MessageError) -> Int64 {
        let text = try required(name, fields)
        guard let value = strictInteger(text) else {
            throw .invalid(name, "is not an integer from 0 to 2^53-1 in digits alone")
        }
        return value
    }
}

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

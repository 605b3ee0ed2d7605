import Blobs

/// The message as JSON.
///
///     {"v":1,"url":"…","mirrors":["…"],"sha256":"<64 hex>","size":5246784,"root":"<43 base64url>",
///      "expires":1790000000,"key":"<43 base64url>","receipt":"<22 base64url>",
///      "media":{"type":"image/jpeg","size":182344,"name":"…","caption":"…","alt":"…","width":1600,"height":1200,
///               "duration":12.4,"thumbhash":"<base64url>","preview":"<base64url>","removed":["gps"]}}
///
/// Required: v, sha256, size, key, media.type, media.size, and url unless the blob is at hand.
extension MediaMessage {
    /// Parses an untrusted message, checking every field. Unknown fields are ignored.
    package init(parsing text: String, requiresLocation: Bool = true) throws(MessageError) {
        try self.init(parsing: Array(text.utf8), requiresLocation: requiresLocation)
    }

    /// As above, from bytes that may not be UTF-8.
    package init(parsing bytes: [UInt8], requiresLocation: Bool = true) throws(MessageError) {
        let bytes = trimmed(bytes)
        guard bytes.count <= Self.limitBytes else { throw .tooLong(bytesOver: bytes.count - Self.limitBytes) }
        let fields = try JSONFields(try JSONReader.read(bytes), path: "")
        let version = try fields.requiredNumber("v")
        guard version == "1" else { throw .version(version) }
        let media = try fields.requiredObject("media")
        self.init(
            url: try fields.parsed("url") { BlobURL($0) },
            mirrors: try fields.parsedList("mirrors") { BlobURL($0) },
            address: try fields.requiredParsed("sha256") { BlobAddress(hex: $0) },
            size: try fields.requiredInteger("size"),
            root: try fields.parsed("root") { IndexRoot(base64url: $0) },
            expires: try fields.integer("expires").map { Timestamp(seconds: $0) },
            key: try fields.requiredParsed("key") { Base64URL.decode($0) },
            receipt: try fields.parsed("receipt") { Secret(base64url: $0) },
            media: try Media(media))
        guard url != nil || !requiresLocation else { throw .missing("url") }
        try check()
    }

    /// The message as text of at most 4096 bytes: if it is longer, the preview is left out, then the mirrors.
    /// Throws `.invalid`, and `.tooLong` if it is still too long.
    package func encoded() throws(MessageError) -> String {
        try check()
        var message = self
        var text = message.json.text
        if text.utf8.count > Self.limitBytes {
            message.media.preview = nil
            text = message.json.text
        }
        if text.utf8.count > Self.limitBytes {
            message.mirrors = []
            text = message.json.text
        }
        guard text.utf8.count <= Self.limitBytes else {
            throw .tooLong(bytesOver: text.utf8.count - Self.limitBytes)
        }
        return text
    }

    /// Adds mirrors before those that are there: each once, as many as the format allows and as fit beside everything else
    /// in the message. Those of another blob are left out.
    package mutating func putMirrorsFirst(_ others: [BlobURL]) {
        let candidates = others + mirrors
        mirrors = []
        for mirror in candidates where mirrors.count < Self.mirrorLimit {
            guard mirror.address == address, mirror != url, !mirrors.contains(mirror) else { continue }
            mirrors.append(mirror)
            if json.text.utf8.count > Self.limitBytes { mirrors.removeLast() }
        }
    }

    private var json: JSONWriter {
        var writer = JSONWriter()
        writer.add("v", integer: 1)
        writer.add("url", string: url?.description)
        writer.add("mirrors", strings: mirrors.map(\.description))
        writer.add("sha256", string: address.hex)
        writer.add("size", integer: size)
        writer.add("root", string: root?.base64url)
        writer.add("expires", integer: expires?.seconds)
        writer.add("key", string: Base64URL.encode(key))
        writer.add("receipt", string: receipt?.base64url)
        writer.add("media", object: media.json)
        return writer
    }
}

extension Media {
    init(_ fields: JSONFields) throws(MessageError) {
        self.init(
            type: try fields.requiredParsed("type") { $0 },
            size: try fields.requiredInteger("size"),
            name: try fields.string("name"),
            caption: try fields.string("caption"),
            alt: try fields.string("alt"),
            width: try fields.integer("width").map { Int($0) },
            height: try fields.integer("height").map { Int($0) },
            duration: try fields.seconds("duration"),
            thumbhash: try fields.parsed("thumbhash") { Base64URL.decode($0) },
            preview: try fields.parsed("preview") { Base64URL.decode($0) },
            removed: try fields.parsedList("removed") { $0 })
    }

    fileprivate var json: JSONWriter {
        var writer = JSONWriter()
        writer.add("type", string: type)
        writer.add("size", integer: size)
        writer.add("name", string: name)
        writer.add("caption", string: caption)
        writer.add("alt", string: alt)
        writer.add("width", integer: width)
        writer.add("height", integer: height)
        writer.add("duration", seconds: duration)
        writer.add("thumbhash", string: thumbhash.map { Base64URL.encode($0) })
        writer.add("preview", string: preview.map { Base64URL.encode($0) })
        writer.add("removed", strings: removed)
        return writer
    }
}

/// `bytes` without the JSON white space around them.
func trimmed(_ bytes: [UInt8]) -> [UInt8] {
    let isSpace: (UInt8) -> Bool = { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
    let rest = bytes.drop(while: isSpace)
    guard let last = rest.lastIndex(where: { !isSpace($0) }) else { return [] }
    return Array(rest[...last])
}

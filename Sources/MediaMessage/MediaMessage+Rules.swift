import Blobs

/// The rules of every message, whether it was read or is about to be written.
extension MediaMessage {
    /// The largest integer that every JSON parser represents exactly (RFC 8259 §6).
    static let integerLimit: Int64 = (1 << 53) - 1

    /// Throws `.invalid` for the first field that breaks a rule.
    package func check() throws(MessageError) {
        for (field, place) in [("url", url)] + mirrors.map({ ("mirrors", $0) }) {
            try require(place?.address ?? address == address, field, "does not end with the address in \"sha256\"")
        }
        try require(mirrors.count <= Self.mirrorLimit, "mirrors", "has more than \(Self.mirrorLimit) URLs")
        try require(key.count == Self.keyBytes, "key", "is not \(Self.keyBytes) bytes long")
        if let expires {
            try require((0...Self.integerLimit).contains(expires.seconds), "expires", "is out of range")
        }
        guard (0...Self.integerLimit).contains(size), let largestBytes = largestPlaintextBytes else {
            throw .invalid("size", "is not the size of a sealed blob\(root == nil ? "" : " with an index")")
        }
        try media.check()
        try require(media.size <= largestBytes, "media.size", "does not fit in a blob of \(size) bytes")
    }

    /// The most plaintext that a blob of this size can hold: an indexed one if there is a root, otherwise either kind. Nil
    /// if there is no such blob.
    private var largestPlaintextBytes: Int64? {
        SealedGeometry.all(sealedBytes: size).filter { root == nil || $0.isIndexed }.map(\.largestPlaintextBytes).max()
    }
}

extension Media {
    func check() throws(MessageError) {
        try require(isMediaType(type), "media.type", "is not a media type")
        try require((0...MediaMessage.integerLimit).contains(size), "media.size", "is not a size")
        try checkText("media.caption", caption, Self.captionLimitBytes)
        try checkText("media.alt", alt, Self.altLimitBytes)
        try checkPixels("media.width", width)
        try checkPixels("media.height", height)
        if let duration {
            try require(
                duration >= 0 && duration <= Double(MediaMessage.integerLimit), "media.duration",
                "is not a number of seconds")
        }
        try checkBytes("media.thumbhash", thumbhash, Self.thumbhashLimitBytes)
        try checkBytes("media.preview", preview, Self.previewLimitBytes)
        try require(removed.count <= Self.removedLimit, "media.removed", "has more than \(Self.removedLimit) words")
        try require(removed.allSatisfy(isWord), "media.removed", "has an element that is not a short word")
    }

    private func checkText(_ field: String, _ text: String?, _ limitBytes: Int) throws(MessageError) {
        try require(text?.utf8.count ?? 0 <= limitBytes, field, "has more than \(limitBytes) bytes")
    }

    private func checkPixels(_ field: String, _ pixels: Int?) throws(MessageError) {
        try require(pixels.map { (1...65_535).contains($0) } ?? true, field, "is not in 1…65535")
    }

    private func checkBytes(_ field: String, _ bytes: [UInt8]?, _ limitBytes: Int) throws(MessageError) {
        guard let bytes else { return }
        try require(!bytes.isEmpty, field, "is empty")
        try require(bytes.count <= limitBytes, field, "has more than \(limitBytes) bytes")
    }
}

/// Throws `.invalid` unless the rule holds.
func require(_ holds: Bool, _ field: String, _ why: String) throws(MessageError) {
    guard holds else { throw .invalid(field, why) }
}

/// `type/subtype` in lower case, each a restricted name of at most 127 characters (RFC 6838 §4.2).
func isMediaType(_ text: String) -> Bool {
    let names = text.split(separator: "/", omittingEmptySubsequences: false)
    return names.count == 2
        && names.allSatisfy { name in
            guard let first = name.utf8.first, name.utf8.count <= 127 else { return false }
            return isLowercaseAlphanumeric(first)
                && name.utf8.allSatisfy { isLowercaseAlphanumeric($0) || "!#$&-^_.+".utf8.contains($0) }
        }
}

/// 1…32 lower-case letters, digits and `-`.
private func isWord(_ text: String) -> Bool {
    (1...32).contains(text.utf8.count)
        && text.utf8.allSatisfy { isLowercaseAlphanumeric($0) || $0 == UInt8(ascii: "-") }
}

private func isLowercaseAlphanumeric(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
}

/// Why a text is not a media message, or a message cannot be encoded.
package enum MessageError: Error, Hashable, Sendable {
    /// There is no text at all.
    case empty
    /// The text is not UTF-8: what is known of it.
    case encoding(String)
    /// Too many bytes; how many over the limit.
    case tooLong(bytesOver: Int)
    /// Not JSON (RFC 8259): what is wrong, and at which byte.
    case notJSON(String, offset: Int)
    /// A name appears twice in one object, or in one link.
    case doubled(String)
    /// Objects and arrays nested deeper than any message needs.
    case tooDeep(offset: Int)
    /// A later version of the message.
    case version(String)
    /// A required field is missing.
    case missing(String)
    /// A field has an invalid value: which field, and why.
    case invalid(String, String)
    /// Not a link: why.
    case notLink(String)
    /// A link of which all after `#` is missing.
    case cutLink
    /// A link of which all after the first `&` is missing.
    case cutBehindAmpersand
    /// A link behind whose end something stands that is no part of it.
    case trailing(String)
    /// Not an `aesgcm:` link, which it was to be: why.
    case notAESGCM(String)
    /// An `aesgcm:` link where a message of our own is needed.
    case foreign
}

extension MessageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "there is no message: the text is empty"
        case .encoding(let why): "this is not a message: the text \(why)"
        case .tooLong(let bytes):
            "the message is \(bytes) bytes too long; the limit is \(MediaMessage.limitBytes)"
        case .notJSON(let why, let offset): "the message is not valid JSON: \(why) at byte \(offset)"
        case .doubled(let name): "the message has \"\(printable(name))\" twice"
        case .tooDeep(let offset): "the message is nested too deeply at byte \(offset)"
        case .version(let version):
            "the message has version \(printable(version)); only version 1 is supported"
        case .missing(let field): "the message has no \"\(field)\""
        case .invalid(let field, let why): "the message's \"\(field)\" \(why)"
        case .notLink(let why): "this is not a Satchel link: \(why)"
        case .notAESGCM(let why): "this is not an aesgcm: link: \(why)"
        case .foreign: "this is an aesgcm: link of another chat client: open and show take it, and it has no lease"
        case .cutLink:
            """
            the part of the link after # is missing, where its key is; chat apps and shells may cut it off: copy the whole \
            link, and put it in quotes in a shell
            """
        case .cutBehindAmpersand: "a part of the link is missing behind &: put the link in quotes in a shell"
        case .trailing(let rest):
            "behind the end of the link stands \"\(printable(rest))\", which is no part of it: copy the link alone"
        }
    }
}

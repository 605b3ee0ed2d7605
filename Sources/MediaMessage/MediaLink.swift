import Blobs

/// The message as a link for a person to paste. Browsers do not send the part after `#`.
///
///     <page>/open/<sha256>#v=1&k=<key>&s=<sealed size>&n=<plaintext size>&t=image/jpeg&f=beach.jpg&r=…&x=…
///
/// where the blob itself is at `<page>/<sha256>`, or at `<u>/<sha256>` if the link has `u`. Required: v, k, s, n, t.
///
/// | name | field of the message |
/// |---|---|
/// | `f` | `media.name` |
/// | `r` | `receipt` |
/// | `x` | `root` |
/// | `w`, `h` | `media.width`, `media.height` |
/// | `b` | `media.thumbhash` |
/// | `e` | `expires` |
/// | `d` | `media.duration`, to two decimals |
/// | `u` | the base of `url` where it is not `<page>`: https, or http to this machine |
///
/// Percent-encoding as in RFC 3986, so `+` is a plus sign. Unknown names are ignored, duplicate names are refused.
/// Preview, caption and the rest are left out.
package enum MediaLink {
    private static let folder = "open"

    /// The link for `message`, below `page`, or if that is nil below the base of the message's own URL.
    /// Throws `.missing` for a message without URL, `.invalid`, and `.tooLong`.
    package static func format(_ message: MediaMessage, page: BlobBase? = nil) throws(MessageError) -> String {
        try message.check()
        guard let store = message.url.flatMap({ BlobBase($0.base) }) else { throw .missing("url") }
        let page = page ?? store
        if page != store {
            try require(
                store.isProtected, "url",
                "is neither https nor on this machine, so a link cannot lead there from \(page)")
        }
        let media = message.media
        let fields: [(String, String?)] = [
            ("v", "1"), ("k", Base64URL.encode(message.key)), ("s", String(message.size)),
            ("n", String(media.size)), ("t", media.type), ("f", media.name), ("r", message.receipt?.base64url),
            ("x", message.root?.base64url), ("w", media.width.map { String($0) }),
            ("h", media.height.map { String($0) }), ("b", media.thumbhash.map { Base64URL.encode($0) }),
            ("e", message.expires.map { String($0.seconds) }),
            ("d", media.duration.map { secondsText(toTwoDecimals($0)) }),
            ("u", page == store ? nil : store.description),
        ]
        let fragment = fields.compactMap { name, value in value.map { "\(name)=\(percentEncoded($0))" } }
        let link = "\(page)/\(folder)/\(message.address.hex)#\(fragment.joined(separator: "&"))"
        let bytesOver = link.utf8.count - MediaMessage.limitBytes
        guard bytesOver <= 0 else { throw .tooLong(bytesOver: bytesOver) }
        return link
    }

    /// Parses the message in a link, with the same checks as any message.
    package static func parse(_ text: String) throws(MessageError) -> MediaMessage {
        try LinkEnd.parse(text) { text throws(MessageError) in try parseAlone(text) }
    }

    private static func parseAlone(_ text: String) throws(MessageError) -> MediaMessage {
        let text = String(decoding: trimmed(Array(text.utf8)), as: UTF8.self)
        let bytesOver = text.utf8.count - MediaMessage.limitBytes
        guard bytesOver <= 0 else { throw .tooLong(bytesOver: bytesOver) }
        guard isVisibleASCII(text) else { throw .notLink("it has characters that a link cannot have") }
        guard let hash = text.firstIndex(of: "#") else {
            if (try? place(text[...])) != nil { throw .cutLink }
            throw .notLink("it has no #, after which the key would be")
        }
        let (page, address) = try place(text[..<hash])
        let fragment = text[hash...].dropFirst()
        guard !fragment.isEmpty else { throw .cutLink }
        guard fragment != "v=1" else { throw .cutBehindAmpersand }
        let fields = LinkFields(try LinkFields.values(fragment))
        let version = try fields.required("v")
        guard version == "1" else { throw .version(version) }
        let message = MediaMessage(
            url: BlobURL(try store(fields) ?? page, address), address: address,
            size: try fields.requiredInteger("s"), root: try fields.parsed("x") { IndexRoot(base64url: $0) },
            expires: try fields.integer("e").map { Timestamp(seconds: $0) },
            key: try fields.requiredParsed("k") { Base64URL.decode($0) },
            receipt: try fields.parsed("r") { Secret(base64url: $0) }, media: try media(fields))
        try message.check()
        return message
    }

    private static func media(_ fields: LinkFields) throws(MessageError) -> Media {
        Media(
            type: try fields.required("t"), size: try fields.requiredInteger("n"), name: fields["f"],
            width: try fields.integer("w").map { Int($0) }, height: try fields.integer("h").map { Int($0) },
            duration: try fields.parsed("d") { seconds($0) },
            thumbhash: try fields.parsed("b") { Base64URL.decode($0) })
    }

    /// Numbers so large that there is no room for decimals lose them.
    private static func toTwoDecimals(_ seconds: Double) -> Double {
        seconds < 1e12 ? (seconds * 100).rounded() / 100 : seconds.rounded(.down)
    }

    /// Digits, and perhaps a point and one or two more.
    private static func seconds(_ text: String) -> Double? {
        let sides = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard strictInteger(String(sides[0])) != nil else { return nil }
        if sides.count == 2 {
            guard (1...2).contains(sides[1].utf8.count), sides[1].utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { return nil }
        }
        return Double(text)
    }

    /// Where the blob is, if not beside the page.
    private static func store(_ fields: LinkFields) throws(MessageError) -> BlobBase? {
        guard let store = try fields.parsed("u", { BlobBase($0) }) else { return nil }
        try require(store.isProtected, "u", "is neither https nor on this machine")
        return store
    }

    private static func place(_ text: Substring) throws(MessageError) -> (page: BlobBase, BlobAddress) {
        guard let place = WebPlace(text) else { throw .notLink("it is not an http or https URL") }
        guard place.parts.count >= 2, place.parts[place.parts.count - 2] == folder,
            let address = place.parts.last.flatMap({ BlobAddress(hex: $0) })
        else { throw .notLink("its path does not end with /\(folder)/ and the address of a blob") }
        return (BlobBase(link: place), address)
    }
}

/// The fields of a link, by the bytes of their names: two that merely look alike are two.
private struct LinkFields {
    private let values: [[UInt8]: String]

    init(_ values: [[UInt8]: String]) { self.values = values }

    /// Splits and decodes what follows `#`. Throws `.notLink` and `.doubled`.
    static func values(_ fragment: Substring) throws(MessageError) -> [[UInt8]: String] {
        var values: [[UInt8]: String] = [:]
        for pair in fragment.split(separator: "&", omittingEmptySubsequences: false) {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(sides[0]), let value = percentDecoded(sides.count == 2 ? sides[1] : "")
            else { throw .notLink("its percent-encoding is invalid") }
            guard values.updateValue(value, forKey: Array(name.utf8)) == nil else { throw .doubled(name) }
        }
        return values
    }

    subscript(_ name: String) -> String? { values[Array(name.utf8)] }

    func required(_ name: String) throws(MessageError) -> String {
        guard let value = self[name] else { throw .missing(name) }
        return value
    }

    /// A nil from `parse` is an error.
    func parsed<Value>(_ name: String, _ parse: (String) -> Value?) throws(MessageError) -> Value? {
        guard let text = self[name] else { return nil }
        guard let value = parse(text) else { throw .invalid(name, "is invalid") }
        return value
    }

    func requiredParsed<Value>(_ name: String, _ parse: (String) -> Value?) throws(MessageError) -> Value {
        guard let value = try parsed(name, parse) else { throw .missing(name) }
        return value
    }

    /// 0…2^53-1, written in digits alone.
    func integer(_ name: String) throws(MessageError) -> Int64? {
        guard let text = self[name] else { return nil }
        guard let value = strictInteger(text) else {
            throw .invalid(name, "is not an integer from 0 to 2^53-1 in digits alone")
        }
        return value
    }

    func requiredInteger(_ name: String) throws(MessageError) -> Int64 {
        guard let value = try integer(name) else { throw .missing(name) }
        return value
    }
}

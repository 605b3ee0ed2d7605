import Blobs

/// The grammar of URLs (RFC 3986), as far as blob URLs need it.

/// ASCII letters and digits.
func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: false
    }
}

/// Whether `text` is printable ASCII without spaces, so that each character is one byte.
func isVisibleASCII(_ text: some StringProtocol) -> Bool {
    text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
}

/// RFC 3986 §2.3.
func isUnreserved(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || "-._~".utf8.contains(byte)
}

/// What may stand behind a link in a sentence, and is no part of it.
enum LinkEnd {
    private static let marks: Set<Character> = [
        ".", ",", ";", ":", "!", "?", ")", "]", "}", ">", "'", "\"", "`", "*", "’", "”", "»", "…",
    ]

    /// Parses a link. If it is one only without the marks behind it, they are what is wrong: they are not removed, since
    /// they may be a part of what was to be said.
    static func parse<Link>(
        _ text: String, _ parse: (String) throws(MessageError) -> Link
    ) throws(MessageError) -> Link {
        do { return try parse(text) } catch {
            let alone = String(decoding: trimmed(Array(text.utf8)), as: UTF8.self)
            var link = alone[...]
            while let last = link.last, marks.contains(last) { link.removeLast() }
            guard link.endIndex < alone.endIndex, (try? parse(String(link))) != nil else { throw error }
            throw .trailing(String(alone[link.endIndex...]))
        }
    }
}

/// A part of a path: `1*pchar` (RFC 3986 §3.3), neither `.` nor `..`, however encoded.
func isPathPart(_ part: some StringProtocol) -> Bool {
    guard let decoded = percentDecodedBytes(part), !decoded.isEmpty else { return false }
    guard decoded != Array(".".utf8), decoded != Array("..".utf8) else { return false }
    return part.utf8.allSatisfy { isUnreserved($0) || "%!$&'()*+,;=:@".utf8.contains($0) }
}

/// A host name or an IPv4 address in lower case, at most 253 bytes. What ends in a number is an address of four bytes or
/// nothing: programs that read `127.1` as one do not agree which (WHATWG URL, "ends in a number").
func isHost(_ host: String) -> Bool {
    guard host.utf8.count <= 253 else { return false }
    if isNumber(host.suffix(from: host.lastIndex(of: ".").map { host.index(after: $0) } ?? host.startIndex)) {
        return IPAddress(host) != nil
    }
    return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }
}

/// Digits alone, or hexadecimal ones behind `0x`.
private func isNumber(_ label: Substring) -> Bool {
    if label.hasPrefix("0x") { return label.utf8.dropFirst(2).allSatisfy { Character(Unicode.Scalar($0)).isHexDigit } }
    return !label.isEmpty && label.utf8.allSatisfy { (0x30...0x39).contains($0) }
}

// MARK: Percent-encoding (RFC 3986 §2.1)

/// Percent-encodes everything but unreserved characters, `/` and `:`: safe in a fragment.
func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        if isUnreserved(byte) || "/:".utf8.contains(byte) {
            result.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
    return result
}

/// Decodes percent-encoding; nil for an invalid escape or bytes that are not UTF-8. `+` is a plus sign.
func percentDecoded(_ text: some StringProtocol) -> String? {
    percentDecodedBytes(text).flatMap { String(validating: $0, as: UTF8.self) }
}

private func percentDecodedBytes(_ text: some StringProtocol) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            result.append(byte)
            continue
        }
        let digits = rest.prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 2 else { return nil }
        rest = rest.dropFirst(2)
        result.append(UInt8(digits[0] << 4 | digits[1]))
    }
    return result
}

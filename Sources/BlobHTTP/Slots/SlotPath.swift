package import Blobs

/// What `/slots/<door>/<path>` names.
///
///     target   /slots/chat/4b2e…/Foto%20%C3%BC.jpg?v=…
///     door     chat
///     text     4b2e…/Foto ü.jpg                                  decoded once; `+` is a plus
///     name     SHA-256("satchel-slot" ‖ 00 ‖ door ‖ 00 ‖ text)   all that is ever stored or logged
package struct SlotPath: Hashable, Sendable {
    /// Bytes of the longest path, as it is written in a target.
    package static let limitBytes = 1024
    private static let prefix = "/slots/"

    package let door: String
    /// The path as it was before it was escaped.
    package let text: String
    package let name: AliasName

    /// The path behind `door` as it is written in a target; nil where it is malformed: empty or too long, with a broken
    /// escape, with what is not UTF-8, with a control character, or with a segment that is empty, `.` or `..`.
    package init?(door: String, encoded: some StringProtocol) { self.init(door: door, utf8: encoded.utf8) }

    private init?(door: String, utf8 encoded: some Collection<UInt8>) {
        guard (1...Self.limitBytes).contains(encoded.count), let bytes = Self.decode(encoded), Self.isPlain(bytes),
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        self.door = door
        self.text = text
        name = AliasName(hashing: Array("satchel-slot\0\(door)\0".utf8) + bytes)
    }

    /// Takes a request target apart: nil for one that is not below a door, and nil for the path where that is malformed.
    package static func parse(target: some StringProtocol) -> (door: String, path: SlotPath?)? {
        guard target.utf8.starts(with: prefix.utf8) else { return nil }
        let rest = target.utf8.dropFirst(prefix.utf8.count).prefix { $0 != UInt8(ascii: "?") }
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let door = String(decoding: rest[..<slash], as: UTF8.self)
        guard isDoor(door) else { return nil }
        return (door, SlotPath(door: door, utf8: rest[rest.index(after: slash)...]))
    }

    /// The path that a target names; nil for one that is not below a door, or is malformed.
    init?(target: Span<UInt8>) {
        let text = String(decoding: target.indices.map { target[$0] }, as: UTF8.self)
        guard let path = Self.parse(target: text)?.path else { return nil }
        self = path
    }

    /// Whether a target may be one, looking at a single byte: no address begins so.
    static func mayBe(_ target: Span<UInt8>) -> Bool { target.count > 7 && target[1] == UInt8(ascii: "s") }

    /// As the names of files with secrets begin: 1 to 64 letters, digits, `-` and `_`.
    private static func isDoor(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
    }

    /// The bytes that percent-escapes stand for (RFC 3986 §2.1); nil for a broken one.
    private static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func isPlain(_ bytes: [UInt8]) -> Bool {
        var (segment, dots, previous) = (0, 0, UInt8(0))
        for byte in bytes {
            if byte == UInt8(ascii: "/") {
                if isHollow(segment, dots) { return false }
                (segment, dots) = (0, 0)
            } else {
                // C0, DEL and C1 (ISO/IEC 6429), the last in two bytes.
                if byte < 0x20 || byte == 0x7f || previous == 0xc2 && byte < 0xa0 { return false }
                segment += 1
                if byte == UInt8(ascii: ".") { dots += 1 }
            }
            previous = byte
        }
        return !isHollow(segment, dots)
    }

    /// Whether a segment of so many bytes, so many of them dots, is empty, `.` or `..`.
    private static func isHollow(_ count: Int, _ dots: Int) -> Bool { dots == count && count <= 2 }
}

/// The four characters that name a box (ISO/IEC 14496-12, 4.2), or a brand, handler, sample entry, item or reference.
package struct BoxType: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let code: UInt32

    package init(code: UInt32) { self.code = code }

    /// Four characters of Latin-1: QuickTime writes `©` as one byte.
    package init(stringLiteral text: String) {
        precondition(text.unicodeScalars.count == 4, "a box type has four characters")
        code = text.unicodeScalars.reduce(0) { $0 << 8 | $1.value & 0xFF }
    }

    package var bytes: [UInt8] { BigEndian.bytes(code) }

    /// The characters; those that cannot be printed as `?`.
    package var description: String {
        String(bytes.map { (0x20..<0x7F).contains($0) ? Character(Unicode.Scalar($0)) : "?" })
    }

    /// Whether every byte may be part of a name that somebody registered.
    package var isPrintable: Bool { bytes.allSatisfy { (0x20..<0x7F).contains($0) || $0 == 0xA9 } }
}

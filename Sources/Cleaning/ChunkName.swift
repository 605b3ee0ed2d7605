/// The four bytes that name a chunk of PNG or RIFF, or a tag, type or class of an ICC profile.
struct ChunkName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The four bytes as one number, the first the highest.
    let code: UInt32

    init(_ code: UInt32) { self.code = code }

    /// Four ASCII characters.
    init(stringLiteral text: StaticString) {
        precondition(text.utf8CodeUnitCount == 4, "a chunk's name has four characters")
        code = text.description.utf8.reduce(0) { $0 << 8 | UInt32($1) }
    }

    var bytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: code >> UInt32($0)) } }

    /// The characters, with points for what is no letter, digit or space.
    var description: String {
        String(
            decoding: bytes.map { (0x30...0x39).contains($0) || (0x41...0x7A).contains($0) || $0 == 0x20 ? $0 : 0x2E },
            as: UTF8.self)
    }
}

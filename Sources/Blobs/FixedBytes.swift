/// A value that is so many bytes and no others, such as a hash, a right, or a name that nobody can guess. What it means is
/// its type's own affair; how it is written is the same for all.
package protocol FixedBytes: Sendable {
    /// Bytes in every value.
    static var byteCount: Int { get }

    /// The bytes, `byteCount` of them.
    var bytes: [UInt8] { get }

    /// A value from bytes of which it is known that there are `byteCount`.
    init(unchecked bytes: [UInt8])
}

extension FixedBytes {
    /// A value from its bytes; nil for more or fewer of them.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(unchecked: Array(bytes))
    }

    /// A value that nobody can guess, from the system's random generator.
    package static func random() -> Self {
        Self(unchecked: .random(count: byteCount))
    }

    /// Whether both are the same, found in a time that does not depend on where they differ.
    package func isEqual(to other: Self) -> Bool {
        var difference: UInt8 = 0
        for (left, right) in zip(bytes, other.bytes) { difference |= left ^ right }
        return difference == 0
    }
}

extension [UInt8] {
    /// So many bytes that nobody can guess, from the system's random generator, which gives eight at a time.
    package static func random(count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let word = UInt64.random(in: .min ... .max)
            for shift in 0..<Swift.min(8, count - bytes.count) {
                bytes.append(UInt8(truncatingIfNeeded: word >> (8 * shift)))
            }
        }
        return bytes
    }
}

/// Fixed bytes that are written in base64url: 22 characters for 16 bytes, 43 for 32.
package protocol Base64URLBytes: FixedBytes {}

extension Base64URLBytes {
    /// A value from exactly its characters.
    package init?(base64url text: some StringProtocol) {
        guard let bytes = Base64URL.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// The characters.
    package var base64url: String { Base64URL.encode(bytes) }
}

/// Fixed bytes that are written in hexadecimal, two lower-case digits for each.
package protocol HexadecimalBytes: FixedBytes {}

extension HexadecimalBytes {
    /// A value from exactly its digits.
    package init?(hex text: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// The digits.
    package var hex: String { Hexadecimal.encode(bytes) }
}

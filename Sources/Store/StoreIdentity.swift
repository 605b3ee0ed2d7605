import Blobs

/// The random name of one store. It is stored both beside the blobs and in the catalog, so that neither is ever
/// combined with the other half of another store.
package struct StoreIdentity: Hashable, Sendable, CustomStringConvertible {
    /// Bytes in an identity.
    package static let byteCount = 16

    /// The 16 bytes.
    package let bytes: [UInt8]

    /// An identity from its 16 bytes; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// An identity from exactly 32 lower-case hexadecimal digits.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// A new identity from the system's random generator.
    package static func random() -> StoreIdentity {
        StoreIdentity(unchecked: (0..<byteCount).map { _ in UInt8.random(in: 0...255) })
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// The 32 hexadecimal digits.
    package var hex: String { Hexadecimal.encode(bytes) }

    package var description: String { hex }
}

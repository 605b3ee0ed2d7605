/// One person to one blob: the first 16 bytes of HMAC-SHA-256(receipt secret, "satchel-recipient" ‖ 00 ‖ a secret of
/// the person's own). The same from all devices of that person and on every retry, and of no use anywhere else.
package struct Recipient: Hashable, Sendable, CustomStringConvertible {
    /// Bytes in a pseudonym.
    package static let byteCount = 16

    /// The 16 bytes.
    package let bytes: [UInt8]

    /// A pseudonym from its 16 bytes; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// A pseudonym from exactly 22 base64url characters.
    package init?(base64url text: some StringProtocol) {
        guard let bytes = Base64URL.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// The 22 characters, as they stand in a path and in the lease.
    package var base64url: String { Base64URL.encode(bytes) }

    /// Never the pseudonym itself: descriptions end up in logs.
    package var description: String { "recipient" }
}

/// The hash over the header and the index of an indexed blob (`docs/sealed-blob.md`, "Index"): whoever has it from the
/// message can judge every chunk by itself. Written as 43 base64url characters.
package struct IndexRoot: Hashable, Sendable {
    /// Bytes in a root.
    package static let byteCount = 32

    /// The 32 bytes.
    package let bytes: [UInt8]

    /// A root from its 32 bytes; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// A root from exactly 43 base64url characters.
    package init?(base64url text: some StringProtocol) {
        guard let bytes = Base64URL.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// The 43 characters, for the message that carries them.
    package var base64url: String { Base64URL.encode(bytes) }
}

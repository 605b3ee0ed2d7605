import Blobs

/// The 32 random bytes that open one sealed blob, made for one file and used for no other.
///
/// They lie in guarded, locked memory and are wiped when the value goes. Text and arrays made from them are not.
package struct MediaKey: ~Copyable, Sendable {
    /// Bytes in a key.
    package static let byteCount = Sodium.keyBytes

    private var storage = GuardedBytes(count: byteCount)

    /// A new key from the system's random generator.
    package init() {
        storage.withMutableBytes { Sodium.fillRandomly(&$0) }
    }

    /// A key from its 32 bytes; nil for any other length.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        bytes.withBytes { storage.store($0) }
    }

    /// A key from exactly 43 base64url characters.
    package init?(base64url text: some StringProtocol) {
        guard var bytes = Base64URL.decode(text) else { return nil }
        defer { wipe(&bytes) }
        self.init(bytes: bytes)
    }

    /// False if the system refused to keep the key out of swap: worth a warning, no reason to stop.
    package var isLocked: Bool { storage.isLocked }

    /// The 32 bytes, for the message that carries them.
    package var bytes: [UInt8] { storage.withBytes { span in Array(span) } }

    /// The 43 characters, for the message that carries them.
    package var base64url: String { Base64URL.encode(bytes) }

    /// Lends the bytes where they lie.
    borrowing func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try storage.withBytes(body)
    }
}

/// Overwrites an array that held secret bytes.
package func wipe(_ bytes: inout [UInt8]) {
    bytes.withMutableBytes { Sodium.wipe(&$0) }
}

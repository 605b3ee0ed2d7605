import Blobs

/// The 32 random bytes that open one sealed blob, generated for one file and used for no other.
///
/// They are kept in guarded, locked memory and wiped with this value. Strings and arrays made from them are not.
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

    /// False if the system refused to keep the key out of swap: worth a warning, not an error.
    package var isLocked: Bool { storage.isLocked }

    /// The 32 bytes, for the message that carries them.
    package var bytes: [UInt8] { storage.withBytes { span in Array(span) } }

    /// The 43 base64url characters, for the message that carries them.
    package var base64url: String { Base64URL.encode(bytes) }

    /// Passes the bytes to `body` without copying them.
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

/// What is derived from a media key and a header prefix: the key of the chunks, and the commitment.
///
///     OKM(64) = HMAC-SHA-512(K, "sealed-blob/v1" ‖ 00 ‖ header[0..<32] ‖ 01)
///     chunk_key = OKM[0..<32]    commitment = OKM[32..<64]
struct ChunkKey: ~Copyable, Sendable {
    private static let label = Array("sealed-blob/v1".utf8) + [0]

    private var material = GuardedBytes(count: Sodium.authenticatorBytes)
    private let cipher: ChunkCipher

    /// Derives the key of the blob whose header begins with `prefix`, for chunks that `cipher` seals and opens.
    init(_ key: borrowing MediaKey, headerPrefix prefix: [UInt8], for cipher: ChunkCipher = .libsodium) {
        self.cipher = cipher
        let message = Self.label + prefix + [1]
        message.withBytes { message in
            key.withBytes { key in
                material.withMutableBytes { Sodium.authenticate(message, key: key, into: &$0) }
            }
        }
    }

    /// The commitment, which is public: it is in the header.
    var commitment: [UInt8] {
        material.withBytes { Array($0.extracting(Sodium.keyBytes...)) }
    }

    /// Whether `header` was made with the same media key, compared in constant time.
    borrowing func isCommitted(in header: SealedHeader) -> Bool {
        header.commitment.withBytes { claimed in
            material.withBytes { Sodium.areEqual($0.extracting(Sodium.keyBytes...), claimed) }
        }
    }

    /// Seals the chunk `index` into a span that is 16 bytes longer.
    borrowing func seal(_ plaintext: RawSpan, into sealed: inout MutableRawSpan, at index: Int64, isLast: Bool) {
        Self.nonce(index, isLast: isLast).withBytes { nonce in
            withKey { cipher.seal(plaintext, into: &sealed, nonce: nonce, key: $0) }
        }
    }

    /// Opens the chunk `index` into a span that is 16 bytes shorter; false if it is not authentic.
    borrowing func open(
        _ sealed: RawSpan, into plaintext: inout MutableRawSpan, at index: Int64, isLast: Bool
    ) -> Bool {
        Self.nonce(index, isLast: isLast).withBytes { nonce in
            withKey { cipher.open(sealed, into: &plaintext, nonce: nonce, key: $0) }
        }
    }

    /// Passes the key of the chunks to `body` without copying it.
    borrowing func withKey<Result>(_ body: (RawSpan) -> Result) -> Result {
        material.withBytes { body($0.extracting(..<Sodium.keyBytes)) }
    }

    /// `00 00 00 ‖ BE64(index) ‖ f`, where f is 1 for the last chunk and 0 for every other.
    static func nonce(_ index: Int64, isLast: Bool) -> [UInt8] {
        [0, 0, 0] + UInt64(index).bigEndianBytes + [isLast ? 1 : 0]
    }
}

extension UInt64 {
    /// The eight bytes, most significant first.
    var bigEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) }
    }

    /// The number in eight bytes, most significant first.
    init(bigEndianBytes bytes: RawSpan) {
        precondition(bytes.byteCount == 8, "eight bytes make a 64-bit number")
        self = (0..<8).reduce(0) { value, index in
            value << 8 | UInt64(bytes.byte(at: index))
        }
    }
}

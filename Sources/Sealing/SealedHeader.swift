import Blobs

/// The first 64 bytes of a sealed blob.
///
///     off len field
///      0   4  magic       53 42 4C 42  "SBLB"
///      4   1  version     01
///      5   1  suite       01 = ChaCha20-Poly1305-IETF with HMAC-SHA-512
///      6   1  chunk_log2  10 hex = 16
///      7   1  flags       00
///      8  24  salt        random, fresh for every sealing
///     32  32  commitment
struct SealedHeader: Hashable, Sendable {
    static let saltBytes = 24
    static let prefixBytes = 32
    static let commitmentBytes = 32
    private static let fixed = SealedShape.magic + [1, 1, 16, 0]

    /// All 64 bytes.
    let bytes: [UInt8]

    /// The 32 bytes that go into the key.
    var prefix: [UInt8] { Array(bytes[..<Self.prefixBytes]) }
    /// What binds the blob to one key.
    var commitment: [UInt8] { Array(bytes[Self.prefixBytes...]) }

    /// The prefix of a header with this salt.
    static func prefix(salt: [UInt8]) -> [UInt8] {
        precondition(salt.count == saltBytes, "a salt has 24 bytes")
        return fixed + salt
    }

    /// A header from its two halves.
    init(prefix: [UInt8], commitment: [UInt8]) {
        precondition(prefix.count == Self.prefixBytes && commitment.count == Self.commitmentBytes, "wrong halves")
        bytes = prefix + commitment
    }

    /// Takes the header at the beginning of `bytes`, of which there are at least 64.
    /// Throws `.magic`, `.version`, `.suite`, `.parameters`, in this order.
    init(parsing bytes: [UInt8]) throws(SealingError) {
        precondition(bytes.count >= SealedGeometry.headerBytes, "a header has 64 bytes")
        guard bytes[..<4].elementsEqual(SealedShape.magic) else { throw .magic }
        guard bytes[4] == 1 else { throw .version(bytes[4]) }
        guard bytes[5] == 1 else { throw .suite(bytes[5]) }
        guard bytes[6] == 16, bytes[7] == 0 else { throw .parameters }
        self.bytes = Array(bytes[..<SealedGeometry.headerBytes])
    }

    /// A salt that no other sealing has.
    static func freshSalt() -> [UInt8] {
        var salt = [UInt8](repeating: 0, count: saltBytes)
        salt.withMutableBytes { Sodium.fillRandomly(&$0) }
        return salt
    }
}

import Blobs

/// The first 64 bytes of a sealed blob.
///
///     off len field
///      0   4  magic       53 42 4C 42  "SBLB"
///      4   1  version     01
///      5   1  suite       01 = ChaCha20-Poly1305-IETF with HMAC-SHA-512
///      6   1  chunk_log2  10 hex = 16
///      7   1  flags       00 plain, 01 indexed
///      8  24  salt        random, fresh for every sealing
///     32  32  commitment
struct SealedHeader: Hashable, Sendable {
    static let saltBytes = 24
    static let prefixBytes = 32
    static let commitmentBytes = 32
    private static let fixed = SealedShape.magic + [1, 1, 16]

    /// All 64 bytes.
    let bytes: [UInt8]

    /// The 32 bytes that go into the key.
    var prefix: [UInt8] { Array(bytes[..<Self.prefixBytes]) }
    /// Binds the blob to one key.
    var commitment: [UInt8] { Array(bytes[Self.prefixBytes...]) }

    /// Whether an index follows the chunks.
    var isIndexed: Bool { bytes[7] == 1 }

    /// The prefix with this salt.
    static func prefix(salt: [UInt8], isIndexed: Bool) -> [UInt8] {
        precondition(salt.count == saltBytes, "a salt has 24 bytes")
        return fixed + [isIndexed ? 1 : 0] + salt
    }

    /// A header from its two halves.
    init(prefix: [UInt8], commitment: [UInt8]) {
        precondition(prefix.count == Self.prefixBytes && commitment.count == Self.commitmentBytes, "wrong halves")
        bytes = prefix + commitment
    }

    /// Parses the header at the start of `bytes`, of which there are at least 64.
    /// Throws `.magic`, `.version`, `.suite`, `.parameters`, in this order.
    init(parsing bytes: [UInt8]) throws(SealingError) {
        precondition(bytes.count >= SealedGeometry.headerBytes, "a header has 64 bytes")
        guard bytes[..<4].elementsEqual(SealedShape.magic) else { throw .magic }
        guard bytes[4] == 1 else { throw .version(bytes[4]) }
        guard bytes[5] == 1 else { throw .suite(bytes[5]) }
        guard bytes[6] == 16, bytes[7] <= 1 else { throw .parameters }
        self.bytes = Array(bytes[..<SealedGeometry.headerBytes])
    }

    /// A new random salt.
    static func freshSalt() -> [UInt8] {
        var salt = [UInt8](repeating: 0, count: saltBytes)
        salt.withMutableBytes { Sodium.fillRandomly(&$0) }
        return salt
    }
}

/// How much the size of a blob hides that of its plaintext. Only the sender knows the policy.
package enum Padding: String, CaseIterable, Sendable {
    /// The blob reveals the exact size.
    case none
    /// Sixteen sizes an octave.
    case sixteenths
    /// Eight sizes an octave: about 4.7 % larger on average, 5.6 bits of the length revealed. The default.
    case eighths
    /// One size an octave: up to twice as large.
    case powerOfTwo = "power-of-two"

    /// The smallest padded plaintext, except with `none`.
    static let smallestBytes: Int64 = 4096

    /// The padded size of a plaintext of `plaintextBytes`; nil if that exceeds the format.
    package func paddedBytes(for plaintextBytes: Int64) -> Int64? {
        let trailer = Int64(SealedGeometry.trailerBytes)
        guard plaintextBytes >= 0, plaintextBytes <= SealedGeometry.paddedLimitBytes - trailer else { return nil }
        let padded = Self.keepingTrailerWhole(rounded(plaintextBytes + trailer))
        return padded <= SealedGeometry.paddedLimitBytes ? padded : nil
    }

    /// Rounds up to a multiple of the policy's fraction of an octave; sizes end at 2^48, so nothing overflows.
    private func rounded(_ bytes: Int64) -> Int64 {
        let dividingBits: Int
        switch self {
        case .none: return bytes
        case .sixteenths: dividingBits = 4
        case .eighths: dividingBits = 3
        case .powerOfTwo: dividingBits = 0
        }
        let size = max(bytes, Self.smallestBytes)
        let octave = Int64.bitWidth - 1 - size.leadingZeroBitCount
        let step: Int64 = 1 << (octave - dividingBits)
        return (size + step - 1) / step * step
    }

    /// A last chunk of 1…7 bytes would split the trailer: it is extended to 8.
    private static func keepingTrailerWhole(_ bytes: Int64) -> Int64 {
        let trailer = Int64(SealedGeometry.trailerBytes)
        let last = bytes % Int64(SealedGeometry.chunkBytes)
        return (1..<trailer).contains(last) ? bytes + trailer - last : bytes
    }
}

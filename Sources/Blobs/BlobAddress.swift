import Crypto

/// The name of a blob: the SHA-256 of its bytes (FIPS 180-4), written as 64 lower-case hexadecimal digits.
package struct BlobAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Bytes in an address.
    package static let byteCount = 32

    /// The 32 bytes of the digest.
    package let bytes: [UInt8]

    /// An address from the 32 bytes of a digest; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// An address from exactly 64 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(hex), bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    init(_ digest: SHA256.Digest) {
        bytes = Array(digest)
    }

    /// The 64 lower-case hexadecimal digits.
    package var hex: String { Hexadecimal.encode(bytes) }

    /// The first two digits: the folder that holds the blob.
    package var shard: String { String(hex.prefix(2)) }

    /// The first eight digits: enough to tell blobs apart in a log, too few to fetch one.
    package var abbreviated: String { String(hex.prefix(8)) }

    package var description: String { hex }

    package static func < (left: Self, right: Self) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// Computes the address of bytes that arrive in pieces.
package struct BlobHasher: Sendable {
    private var sha256 = SHA256()

    package init() {}

    /// Takes the next bytes of the blob.
    package mutating func update(_ bytes: RawSpan) {
        // Safe: the buffer is used only while the span holds it.
        unsafe bytes.withUnsafeBytes { buffer in unsafe sha256.update(bufferPointer: buffer) }
    }

    /// Takes the first `count` of the next bytes of the blob, or all of them.
    package mutating func update(_ bytes: [UInt8], first count: Int = .max) {
        // Safe: every pattern of bits is a byte.
        unsafe update(bytes.span.bytes.extracting(first: min(count, bytes.count)))
    }

    /// The address of everything taken so far; more may follow.
    package func address() -> BlobAddress {
        BlobAddress(sha256.finalize())
    }
}

import Crypto

/// The name of a blob: the SHA-256 of its bytes (FIPS 180-4), written as 64 lower-case hexadecimal digits.
package struct BlobAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Bytes in an address.
    package static let byteCount = 32

    /// The digest, eight bytes a word, the first byte on top: an address is looked up for every request, so it holds no
    /// memory of its own.
    private let words: InlineArray<4, UInt64>

    /// An address from the 32 bytes of a digest; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(exactly: Array(bytes))
    }

    /// An address from exactly 64 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: some StringProtocol) {
        self.init(hexDigits: String(hex).utf8.span)
    }

    /// An address from exactly 64 lower-case hexadecimal digits in ASCII; nil for anything else.
    package init?(hexDigits digits: Span<UInt8>) {
        guard digits.count == 2 * Self.byteCount else { return nil }
        var words: InlineArray<4, UInt64> = [0, 0, 0, 0]
        for index in words.indices {
            guard let high = Hexadecimal.value(ofEight: digits, at: 16 * index),
                let low = Hexadecimal.value(ofEight: digits, at: 16 * index + 8)
            else { return nil }
            words[index] = UInt64(high) << 32 | UInt64(low)
        }
        self.words = words
    }

    /// The address of a blob with these bytes.
    package init(of bytes: [UInt8]) {
        var hasher = BlobHasher()
        hasher.update(bytes)
        self = hasher.address()
    }

    init(_ digest: SHA256.Digest) {
        self.init(exactly: Array(digest))
    }

    private init(exactly bytes: [UInt8]) {
        var words: InlineArray<4, UInt64> = [0, 0, 0, 0]
        for index in bytes.indices { words[index / 8] = words[index / 8] << 8 | UInt64(bytes[index]) }
        self.words = words
    }

    /// The 32 bytes of the digest.
    package var bytes: [UInt8] {
        // Safe: as many bytes are written as there is room for.
        unsafe Array(unsafeUninitializedCapacity: Self.byteCount) { bytes, count in
            for index in 0..<Self.byteCount { unsafe bytes[index] = byte(at: index) }
            count = Self.byteCount
        }
    }

    /// One of the 32 bytes.
    package func byte(at index: Int) -> UInt8 { UInt8(truncatingIfNeeded: words[index / 8] >> (56 - index % 8 * 8)) }

    /// The 64 lower-case hexadecimal digits.
    package var hex: String { Hexadecimal.encode(bytes) }

    /// The first two digits: the folder that holds the blob.
    package var shard: String { Hexadecimal.encode([byte(at: 0)]) }

    /// The first eight digits: enough to tell blobs apart in a log, too few to fetch one.
    package var abbreviated: String { Hexadecimal.encode((0..<4).map { byte(at: $0) }) }

    package var description: String { hex }

    package static func == (left: Self, right: Self) -> Bool {
        left.words[0] == right.words[0] && left.words[1] == right.words[1] && left.words[2] == right.words[2]
            && left.words[3] == right.words[3]
    }

    /// Half of a digest tells addresses apart as well as all of it.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words[0])
        hasher.combine(words[1])
    }

    package static func < (left: Self, right: Self) -> Bool {
        for index in left.words.indices where left.words[index] != right.words[index] {
            return left.words[index] < right.words[index]
        }
        return false
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

/// In JSON an address is its 64 digits.
extension BlobAddress: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = BlobAddress(hex: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "it is no address")
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

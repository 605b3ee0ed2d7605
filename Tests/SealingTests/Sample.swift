import Blobs
import Files
import TestSupport

@testable import Sealing

/// A sealed blob in memory, with all it takes to open it.
struct Sample: Sendable {
    /// The key of the vectors: 00 01 … 1f.
    static let keyBytes = [UInt8](0..<32)
    /// The salt of the vectors: 40 41 … 57.
    static let salt = [UInt8](0x40..<0x58)

    var blob: [UInt8]
    var address: BlobAddress
    var plaintext: [UInt8]
    var key = keyBytes
    /// As the message has it; nil for a plain blob.
    var root: IndexRoot?

    /// Seals `plaintext` through files, as the program does.
    init(
        _ plaintext: [UInt8], padding: Padding = .none, key: [UInt8] = keyBytes, salt: [UInt8] = Self.salt,
        isIndexed: Bool? = nil
    ) throws {
        let folder = try TemporaryFolder()
        try write(plaintext, toFile: folder.path("plain"))
        let input = try OpenFile(folder.path("plain"), .read)
        let output = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        let sealed = try seal(
            input, into: output, key: try mediaKey(key), salt: salt, padding: padding, isIndexed: isIndexed,
            progress: { _ in })
        blob = try bytes(ofFile: folder.path("blob"))
        address = sealed.address
        root = sealed.root
        self.plaintext = plaintext
        self.key = key
    }

    /// What opening comes to; `address`, `plaintextSize` and `key` are the right ones unless given.
    func opened(
        address: BlobAddress? = nil, plaintextSize: Int64? = nil, key: [UInt8]? = nil
    ) throws -> Result<[UInt8], SealingError> {
        let folder = try TemporaryFolder()
        try write(blob, toFile: folder.path("blob"))
        let input = try OpenFile(folder.path("blob"), .read)
        let output = try OpenFile(folder.path("plain"), .create(permissions: 0o600))
        do throws(SealingError) {
            try open(
                input, address: address ?? self.address, plaintextSize: plaintextSize ?? Int64(plaintext.count),
                root: root, key: try mediaKey(key ?? self.key), into: output)
        } catch {
            let left = try output.size()
            precondition(left == 0, "\(left) bytes of plaintext were left behind after \(error)")
            return .failure(error)
        }
        return .success(try bytes(ofFile: folder.path("plain")))
    }

    /// The same with other bytes in the blob, still asked for under the old address.
    func with(_ change: (inout [UInt8]) throws -> Void) rethrows -> Sample {
        var sample = self
        try change(&sample.blob)
        return sample
    }

    /// Where chunk `index` stands in the blob.
    func chunk(_ index: Int) -> Range<Int> {
        let start = SealedGeometry.headerBytes + index * SealedGeometry.sealedChunkBytes
        return start..<min(start + SealedGeometry.sealedChunkBytes, indexStart)
    }

    /// Where the index begins, or the blob ends.
    var indexStart: Int {
        let geometry = SealedGeometry(sealedBytes: Int64(blob.count), isIndexed: blob[7] == 1)
        return geometry?.index.map { Int($0.offset) } ?? blob.count
    }

    /// What opening a range comes to, from a file; by the whole plaintext if none is given.
    func openedRange(_ range: Range<Int>? = nil, plaintextSize: Int64? = nil) throws -> Result<[UInt8], SealingError> {
        let size = plaintextSize ?? Int64(plaintext.count)
        let range = range ?? 0..<Int(size)
        guard let range = ByteRange(offset: Int64(range.lowerBound), count: Int64(range.count), within: size) else {
            preconditionFailure("a range within the plaintext")
        }
        let folder = try TemporaryFolder()
        try write(blob, toFile: folder.path("blob"))
        let file = try OpenFile(folder.path("blob"), .read)
        var result: [UInt8] = []
        do throws(SealingError) {
            try openRange(range, of: file, plaintextSize: size, root: root, key: try mediaKey(key)) { result += $0 }
        } catch {
            precondition(plaintext.isEmpty || plaintext[Int(range.offset)...].starts(with: result), "wrong bytes came")
            return .failure(error)
        }
        return .success(result)
    }
}

/// The plaintext of the vectors: byte i is the low byte of `i ^ i>>8 ^ i>>16`.
func patternBytes(_ count: Int) -> [UInt8] {
    makeBytes(count) { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }
}

/// A blob of a sealer that follows all rules but those for the padded plaintext.
func forgedSample(padded: [UInt8], isIndexed: Bool = false) throws -> Sample {
    let prefix = SealedHeader.prefix(salt: Sample.salt, isIndexed: isIndexed)
    let key = ChunkKey(try mediaKey(Sample.keyBytes), headerPrefix: prefix)
    guard let geometry = SealedGeometry(paddedBytes: Int64(padded.count), isIndexed: isIndexed) else {
        throw SealingError.trailer
    }
    let run = ChunkRun(chunks: 0...geometry.chunkCount - 1, of: geometry)
    var sealed = [UInt8](repeating: 0, count: Int(run.sealed.count))
    padded.withBytes { padded in
        sealed.withMutableBytes { key.seal(padded, into: &$0, as: run) }
    }
    var index = SealedIndex()
    if isIndexed { index.append(run.leaves(of: sealed)) }
    let header = SealedHeader(prefix: prefix, commitment: key.commitment)
    var sample = try Sample([1, 2, 3])
    sample.blob = header.bytes + sealed + index.bytes
    sample.address = address(of: sample.blob)
    sample.root = isIndexed ? index.root(under: header) : nil
    return sample
}

func mediaKey(_ bytes: [UInt8]) throws(SealingError) -> MediaKey {
    guard let key = MediaKey(bytes: bytes) else { throw .commitment }
    return key
}

func address(of bytes: [UInt8]) -> BlobAddress {
    var hasher = BlobHasher()
    bytes.withBytes { hasher.update($0) }
    return hasher.address()
}

/// Whether the long forms were asked for.
let soaks = environmentHas("SATCHEL_SOAK")

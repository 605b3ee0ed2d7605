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

    /// Seals `plaintext` through files, as the program does.
    init(
        _ plaintext: [UInt8], padding: Padding = .none, key: [UInt8] = keyBytes, salt: [UInt8] = Self.salt
    ) throws {
        let folder = try TemporaryFolder()
        try write(plaintext, toFile: folder.path("plain"))
        let input = try OpenFile(folder.path("plain"), .read)
        let output = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        let sealed = try seal(
            input, into: output, key: try mediaKey(key), salt: salt, padding: padding, progress: { _ in })
        blob = try bytes(ofFile: folder.path("blob"))
        address = sealed.address
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
                key: try mediaKey(key ?? self.key), into: output)
        } catch {
            let left = try output.size()
            precondition(left == 0, "\(left) bytes of plaintext were left behind after \(error)")
            return .failure(error)
        }
        return .success(try bytes(ofFile: folder.path("plain")))
    }

    /// The same with other bytes in the blob, still asked for under the old address.
    func with(_ change: (inout [UInt8]) -> Void) -> Sample {
        var sample = self
        change(&sample.blob)
        return sample
    }

    /// Where chunk `index` stands in the blob.
    func chunk(_ index: Int) -> Range<Int> {
        let start = SealedGeometry.headerBytes + index * SealedGeometry.sealedChunkBytes
        return start..<min(start + SealedGeometry.sealedChunkBytes, blob.count)
    }
}

/// The plaintext of the vectors: byte i is the low byte of `i ^ i>>8 ^ i>>16`.
func patternBytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }
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

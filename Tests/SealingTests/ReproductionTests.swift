import Blobs
import Files
import TestSupport
import Testing

@testable import Sealing

@Suite
struct ReproductionTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What sealing `plaintext` again as `sample` comes to: the blob, or the error and a blob that must be empty.
    private func again(
        _ sample: Sample, from plaintext: [UInt8], key: [UInt8]? = nil, header: [UInt8]? = nil
    ) throws -> Result<[UInt8], SealingError> {
        try write(plaintext, toFile: folder.path("plain"))
        try write([9, 9, 9], toFile: folder.path("again"))
        let original = SealedOriginal(
            address: sample.address, size: Int64(sample.blob.count), header: header ?? Array(sample.blob.prefix(64)),
            plaintextSize: Int64(sample.plaintext.count))
        let blob = try OpenFile(folder.path("again"), .update)
        do throws(SealingError) {
            try reproduce(
                original, from: OpenFile.reading(folder.path("plain")), key: try mediaKey(key ?? sample.key), into: blob
            )
        } catch {
            #expect(try bytes(ofFile: folder.path("again")) == [9, 9, 9], "nothing of a wrong sealing is written")
            return .failure(error)
        }
        return .success(try bytes(ofFile: folder.path("again")))
    }

    @Test(arguments: Padding.allCases)
    func `gives the same blob to the last byte, whatever the padding was`(padding: Padding) throws {
        for size in [0, 1, 65_528, 65_529, 300_000] {
            let sample = try Sample(patternBytes(size), padding: padding)
            #expect(try again(sample, from: sample.plaintext).get() == sample.blob, "\(size)")
        }
    }

    @Test func `gives the same blob with its index, and a plain one without, whatever a writer would do now`() throws {
        for (size, isIndexed) in [(300_000, true), (1_100_000, true), (1_100_000, false)] {
            let sample = try Sample(patternBytes(size), isIndexed: isIndexed)
            #expect(try again(sample, from: sample.plaintext).get() == sample.blob, "\(size)")
        }
    }

    @Test(arguments: [0, 150_000, 299_999])
    func `a plaintext that differs by one byte is refused, and nothing is written`(offset: Int) throws {
        let sample = try Sample(patternBytes(300_000))
        var other = sample.plaintext
        other[offset] ^= 1
        guard case .failure(.notTheOriginal(_)) = try again(sample, from: other) else {
            Issue.record("sealed")
            return
        }
    }

    @Test(arguments: [0, 299_999, 300_001])
    func `a plaintext of another length is refused`(count: Int) throws {
        let sample = try Sample(patternBytes(300_000))
        guard case .failure(.notTheOriginal(_)) = try again(sample, from: patternBytes(count)) else {
            Issue.record("sealed")
            return
        }
    }

    @Test func `a key or a header of another blob is refused before anything is sealed`() throws {
        let sample = try Sample(patternBytes(1000))
        var key = sample.key
        key[3] ^= 1
        var header = Array(sample.blob.prefix(64))
        header[40] ^= 1
        for result in [
            try again(sample, from: sample.plaintext, key: key),
            try again(sample, from: sample.plaintext, header: header),
        ] {
            guard case .failure(.commitment) = result else {
                Issue.record("\(result)")
                continue
            }
        }
    }
}

extension OpenFile {
    fileprivate static func reading(_ path: String) throws(SealingError) -> OpenFile {
        do { return try OpenFile(path, .read) } catch { throw .file(error) }
    }
}

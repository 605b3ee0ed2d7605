import Blobs
import Files
import TestSupport
import Testing

@testable import Sealing

@Suite
struct SealTests {
    @Test(arguments: Padding.allCases)
    func `and opening give back the same bytes, at every size around the edges`(_ padding: Padding) throws {
        let sizes = [0, 1, 7, 8, 65_527, 65_528, 65_529, 65_535, 65_536, 65_537, 262_136, 262_137, 262_144, 1_000_000]
        for size in sizes {
            let sample = try Sample(patternBytes(size), padding: padding)
            #expect(try sample.opened().get() == sample.plaintext, "\(size)")
            #expect(
                Int64(sample.blob.count)
                    == SealedGeometry(sealedBytes: Int64(sample.blob.count), isIndexed: sample.blob[7] == 1)?
                    .sealedBytes)
        }
    }

    @Test func `the same bytes twice gives blobs that have nothing in common but their first eight bytes`() throws {
        let folder = try TemporaryFolder()
        try write(patternBytes(100), toFile: folder.path("plain"))
        let plaintext = try OpenFile(folder.path("plain"), .read)
        let key = MediaKey()
        var blobs: [[UInt8]] = []
        for name in ["a", "b"] {
            let blob = try OpenFile(folder.path(name), .create(permissions: 0o600))
            let sealed = try seal(plaintext, into: blob, key: key)
            blobs.append(try bytes(ofFile: folder.path(name)))
            #expect(sealed.header == Array(blobs[blobs.count - 1].prefix(64)))
            #expect(sealed.size == 4176 && sealed.plaintextSize == 100)
            try open(
                blob, address: sealed.address, plaintextSize: 100, key: key, into: OpenFile.unnamed(in: folder.path))
        }
        #expect(blobs[0].prefix(8) == blobs[1].prefix(8))
        let equalCount = zip(blobs[0], blobs[1]).count { $0 == $1 } - 8
        #expect(equalCount < 60, "\(equalCount) of 4168 bytes agree; chance alone gives 16")
    }

    @Test func `cuts what stood in the output before`() throws {
        let folder = try TemporaryFolder()
        try write(zeros(50_000), toFile: folder.path("blob"))
        try write(zeros(50_000), toFile: folder.path("opened"))
        try write([1, 2, 3], toFile: folder.path("plain"))
        let blob = try OpenFile(folder.path("blob"), .update)
        let opened = try OpenFile(folder.path("opened"), .update)
        let key = MediaKey()
        let sealed = try seal(OpenFile(folder.path("plain"), .read), into: blob, key: key)
        try open(blob, address: sealed.address, plaintextSize: 3, key: key, into: opened)
        #expect(try blob.size() == 4176)
        #expect(try bytes(ofFile: folder.path("opened")) == [1, 2, 3])
    }

    @Test func `tells how far it has come: rising, and at the end all of it`() throws {
        let folder = try TemporaryFolder()
        try write(zeros(3_000_000), toFile: folder.path("plain"))
        let plaintext = try OpenFile(folder.path("plain"), .read)
        let blob = try OpenFile.unnamed(in: folder.path)
        let key = MediaKey()
        var told: [Int64] = []
        let sealed = try seal(plaintext, into: blob, key: key, padding: .powerOfTwo) { told.append($0) }
        #expect(told == told.sorted() && told.last == 3_000_000)
        told = []
        try open(
            blob, address: sealed.address, plaintextSize: 3_000_000, key: key, into: OpenFile.unnamed(in: folder.path)
        ) {
            told.append($0)
        }
        #expect(told == told.sorted() && told.last == 3_000_000)
    }

    @Test(arguments: [1_000_000, 9_000_000])
    func `a plaintext that shrinks or grows meanwhile is an error, and leaves nothing`(_ newSize: Int64) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("plain")
        try write(zeros(6_000_000), toFile: path)
        let plaintext = try OpenFile(path, .update)
        let blob = try OpenFile.unnamed(in: folder.path)
        var isChanged = false
        #expect(throws: SealingError.plaintextChanged(path: path)) {
            try seal(plaintext, into: blob, key: MediaKey(), padding: .none) { done in
                if !isChanged, (try? plaintext.truncate(to: newSize)) != nil { isChanged = true }
            }
        }
        #expect(isChanged)
        #expect(try blob.size() == 0)
    }

    @Test(arguments: ["/dev/zero", "/"])
    func `only regular files`(_ path: String) throws {
        let folder = try TemporaryFolder()
        #expect(throws: SealingError.notAFile(path: path)) {
            try seal(OpenFile(path, .read), into: OpenFile.unnamed(in: folder.path), key: MediaKey())
        }
    }

    @Test func `onto a full disk is an error that says so`() throws {
        let folder = try TemporaryFolder()
        try write(zeros(1_000_000), toFile: folder.path("plain"))
        // Writing to /dev/full fails with ENOSPC; truncating it fails first, which tells the same.
        #expect(throws: SealingError.self) {
            try seal(OpenFile(folder.path("plain"), .read), into: OpenFile("/dev/full", .update), key: MediaKey())
        }
    }

    @Test(.enabled(if: soaks))
    func `5 GiB, and opening them, takes hardly any memory`() throws {
        let folder = try TemporaryFolder()
        let size: Int64 = 5 << 30
        let plaintext = try OpenFile.unnamed(in: folder.path)
        try plaintext.truncate(to: size)
        let blob = try OpenFile.unnamed(in: folder.path)
        let key = MediaKey()
        let before = try peakResidentKiB()
        let sealed = try seal(plaintext, into: blob, key: key)
        try open(blob, address: sealed.address, plaintextSize: size, key: key, into: plaintext)
        let growth = try peakResidentKiB() - before
        // Other tests run beside this one and take their part of it.
        #expect(growth < 128 * 1024, "grew by \(growth) KiB")
    }

    /// The greatest amount of memory that this process ever had (`proc_pid_status(5)`, VmHWM).
    private func peakResidentKiB() throws -> Int {
        let file = try OpenFile("/proc/self/status", .read)
        var text = zeros(4096)
        let count = try text.withMutableBytes { try file.read(into: &$0) }
        let lines = String(decoding: text[..<count], as: UTF8.self).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }
}

@Suite
struct MediaKeyTests {
    @Test func `is read back from its 43 characters`() throws {
        let key = MediaKey()
        let text = key.base64url
        #expect(text.utf8.count == 43)
        let bytes = MediaKey(base64url: text)?.bytes
        #expect(bytes == key.bytes)
    }

    @Test func `is never the same twice`() {
        let keys = Set((0..<100).map { _ in MediaKey().base64url })
        #expect(keys.count == 100)
    }

    @Test(arguments: [
        "", "AAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",  // a spare bit that is not zero
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A",
    ])
    func `is not read from anything else`(_ text: String) {
        let isKey = MediaKey(base64url: text) != nil
        #expect(!isKey)
    }

    @Test func `and what it derives are wiped on demand`() {
        var bytes: [UInt8] = [1, 2, 3]
        wipe(&bytes)
        #expect(bytes == [0, 0, 0])
    }
}

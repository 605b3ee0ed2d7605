import Blobs
import Files
import Glibc
import TestSupport
import Testing

@testable import Sealing

/// The two libraries that seal chunks. Where libcrypto is not installed, libsodium stands for it too.
@Suite
struct ChunkCipherTests {
    static let sizes = [8, 63, 64, 65, 4096, 65_535, 65_536]
    private let key = (0..<32).map { UInt8(0x80 + $0) }
    private let nonce = [UInt8](0x40..<0x4c)

    private func sealed(_ plaintext: [UInt8], by cipher: ChunkCipher) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: plaintext.count + SealedGeometry.tagBytes)
        withKeyAndNonce { key, nonce in
            plaintext.withBytes { plaintext in
                result.withMutableBytes { cipher.seal(plaintext, into: &$0, nonce: nonce, key: key) }
            }
        }
        return result
    }

    private func opened(_ sealed: [UInt8], by cipher: ChunkCipher) -> (isGenuine: Bool, bytes: [UInt8]) {
        var result = [UInt8](repeating: 7, count: sealed.count - SealedGeometry.tagBytes)
        let isGenuine = withKeyAndNonce { key, nonce in
            sealed.withBytes { sealed in
                result.withMutableBytes { cipher.open(sealed, into: &$0, nonce: nonce, key: key) }
            }
        }
        return (isGenuine, result)
    }

    private func withKeyAndNonce<Result>(_ body: (RawSpan, RawSpan) -> Result) -> Result {
        key.withBytes { key in nonce.withBytes { nonce in body(key, nonce) } }
    }

    @Test(arguments: sizes)
    func `seal to the same bytes, and open each other's`(_ size: Int) {
        let plaintext = patternBytes(size)
        let bytes = sealed(plaintext, by: .libsodium)
        #expect(sealed(plaintext, by: .libcrypto) == bytes)
        for cipher in ChunkCipher.allCases { #expect(opened(bytes, by: cipher) == (true, plaintext), "\(cipher)") }
    }

    @Test(arguments: ChunkCipher.allCases, sizes)
    func `show nothing of a chunk with a wrong bit anywhere`(_ cipher: ChunkCipher, _ size: Int) {
        let bytes = sealed(patternBytes(size), by: cipher)
        for position in [0, size / 2, size - 1, size, size + 15] {
            var changed = bytes
            changed[position] ^= 0x10
            #expect(opened(changed, by: cipher) == (false, zeros(size)), "\(position)")
        }
    }

    @Test func `are chosen by size: libcrypto from 8 MiB on, where it is`() throws {
        for bytes in [4096, 8 << 20 - 1] as [Int64] {
            #expect(ChunkCipher(for: try #require(SealedGeometry(paddedBytes: bytes))) == .libsodium)
        }
        let fast: ChunkCipher = ChunkCipher.hasChaCha ? .libcrypto : .libsodium
        #expect(ChunkCipher(for: try #require(SealedGeometry(paddedBytes: 8 << 20))) == fast)
    }

    @Test func `make one blob of a large file: what one has sealed the other opens, whole and in part`() throws {
        let size = 8 << 20 + 100_000
        let sample = try Sample(patternBytes(size))
        #expect(try sample.opened().get() == sample.plaintext)
        let header = try SealedHeader(parsing: sample.blob)
        let geometry = try #require(SealedGeometry(sealedBytes: Int64(sample.blob.count), isIndexed: true))
        for cipher in ChunkCipher.allCases {
            let key = ChunkKey(try mediaKey(sample.key), headerPrefix: header.prefix, for: cipher)
            for number in [0, ChunkRun.count(in: geometry) - 1] {
                let run = ChunkRun(number, of: geometry)
                var plain = zeros(run.paddedCount)
                let bytes = Array(sample.blob[Int(run.sealed.offset)..<Int(run.sealed.end)])
                try bytes.withBytes { bytes in try plain.withMutableBytes { try key.open(bytes, into: &$0, as: run) } }
                let count = min(size - Int(run.paddedOffset), plain.count)
                #expect(plain[..<count] == sample.plaintext[Int(run.paddedOffset)...].prefix(count), "\(cipher)")
            }
        }
    }

    @Test(arguments: ChunkCipher.allCases)
    func `leave no copy of the key in memory`(_ cipher: ChunkCipher) throws {
        let plain = patternBytes(SealedGeometry.chunkBytes)
        var sealed = [UInt8](repeating: 0, count: SealedGeometry.sealedChunkBytes)
        var opened = zeros(SealedGeometry.chunkBytes)
        let prefix = SealedHeader.prefix(salt: SealedHeader.freshSalt(), isIndexed: false)
        let key = ChunkKey(MediaKey(), headerPrefix: prefix, for: cipher)
        plain.withBytes { plain in sealed.withMutableBytes { key.seal(plain, into: &$0, at: 0, isLast: false) } }
        let isOpen = sealed.withBytes { sealed in
            opened.withMutableBytes { key.open(sealed, into: &$0, at: 0, isLast: false) }
        }
        #expect(isOpen && opened == plain)
        // One is the key itself, in guarded memory.
        #expect(try copiesInMemory(of: key) == 1)
    }
}

/// How often the key of the chunks is in memory that this process can write to, stacks included.
private func copiesInMemory(of key: borrowing ChunkKey) throws -> Int {
    let memory = try OpenFile("/proc/self/mem", .read)
    var piece = zeros(1 << 20)
    var count = 0
    for region in try writableRegions() {
        var offset = region.lowerBound
        // Pieces overlap, so that no key is cut in two.
        while region.upperBound - offset >= Int64(Sodium.keyBytes) {
            let length = Int(min(Int64(piece.count), region.upperBound - offset))
            // Other tests give memory back meanwhile.
            guard (try? memory.read(length, into: &piece, at: offset)) == length else { break }
            count += key.withKey { key in piece.withBytes { occurrences(of: key, in: $0.extracting(..<length)) } }
            // What was read is a copy too.
            wipe(&piece)
            offset += Int64(length - Sodium.keyBytes + 1)
        }
    }
    return count
}

private func writableRegions() throws -> [Range<Int64>] {
    let file = try OpenFile("/proc/self/maps", .read)
    var bytes = zeros(4 << 20)
    let count = try file.read(into: &bytes)
    let text = String(decoding: bytes.prefix(count), as: UTF8.self)
    return text.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        let ends = words[0].split(separator: "-").compactMap { Int64($0, radix: 16) }
        return words[1].hasPrefix("rw") && ends.count == 2 ? ends[0]..<ends[1] : nil
    }
}

private func occurrences(of needle: RawSpan, in bytes: RawSpan) -> Int {
    // Zeros are everywhere, so a byte of another value leads to the places to compare.
    let anchor = (0..<needle.byteCount).first { (0x80..<0xff).contains(needle.byte(at: $0)) } ?? 0
    let value = Int32(needle.byte(at: anchor))
    // Safe: reads both to their own counts; a place is compared only if all of it is inside.
    return unsafe bytes.withUnsafeBytes { bytes in
        unsafe needle.withUnsafeBytes { needle in
            guard let start = bytes.baseAddress, let wanted = needle.baseAddress else { return 0 }
            var (count, offset) = (0, anchor)
            let end = bytes.count - needle.count + anchor + 1
            while offset < end, let found = unsafe memchr(start + offset, value, end - offset) {
                let place = unsafe start.distance(to: UnsafeRawPointer(found)) - anchor
                if unsafe memcmp(start + place, wanted, needle.count) == 0 { count += 1 }
                offset = place + anchor + 1
            }
            return count
        }
    }
}

import Blobs
import Store
import TestSupport
import Testing

@testable import CacheFolder

/// What readers are given from past a disk that fails.
@Suite struct ServedDigestTests {
    private static let size = 10_000

    private let bytes: [UInt8]
    private let address: BlobAddress

    init() {
        var random = SeededGenerator(seed: 1)
        bytes = random.bytes(Self.size)
        var hasher = BlobHasher()
        hasher.update(bytes)
        address = hasher.address()
    }

    /// Gives the second half in two parts, after the first half came from a file with these bytes; false where the end is
    /// refused.
    private func give(after file: [UInt8], changing place: Int? = nil) async throws -> Bool {
        var past = bytes
        if let place { past[place] ^= 1 }
        let served = ServedDigest(of: address, size: Int64(Self.size))
        #expect(!served.hasBegun)
        // In pieces, as files are read.
        let read = { (range: ByteRange) async throws(StoreError) -> [UInt8] in
            let start = Int(range.offset)
            return Array(file[start..<min(Int(range.end), start + 1234)])
        }
        try await served.take(Array(past[5000..<7000]), at: 5000, earlier: read)
        #expect(served.hasBegun)
        do throws(StoreError) { try await served.take(Array(past[7000...]), at: 7000, earlier: read) } catch {
            return false
        }
        return true
    }

    @Test func `the end is given where everything before it was right, wherever it came from`() async throws {
        var wrong = bytes
        wrong[100] ^= 1
        #expect(try await give(after: bytes))
        #expect(try await !give(after: wrong))
        #expect(try await !give(after: bytes, changing: 6000))
        #expect(try await !give(after: bytes, changing: 9_999))
    }

    @Test func `pieces out of order are refused`() async {
        let served = ServedDigest(of: address, size: Int64(Self.size))
        let nothing = { (_: ByteRange) async throws(StoreError) -> [UInt8] in throw .io("nothing is there") }
        let first = await result { () async throws(StoreError) in
            try await served.take(Array(bytes[0..<100]), at: 0, earlier: nothing)
        }
        let earlier = await result { () async throws(StoreError) in
            try await served.take(Array(bytes[50..<60]), at: 50, earlier: nothing)
        }
        let later = await result { () async throws(StoreError) in
            try await served.take(Array(bytes[200..<300]), at: 200, earlier: nothing)
        }
        #expect(first == nil && earlier != nil && later != nil)
    }

    private func result(_ body: () async throws(StoreError) -> Void) async -> StoreError? {
        do throws(StoreError) {
            try await body()
            return nil
        } catch {
            return error
        }
    }
}

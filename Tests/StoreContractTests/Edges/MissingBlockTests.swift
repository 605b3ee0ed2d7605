import Blobs
import CacheFolder
import Store
import StoreTestSupport
import Testing

/// Blobs that come into an edge in pieces.
@Suite(.timeLimit(.minutes(15))) struct MissingBlockTests {
    private static let block = Int(BlockMap.blockBytes)
    /// Five whole blocks and a bit.
    private static let size = 5 * block + 1000
    private static let blocks = 0..<6

    private static func range(of block: Int) -> Range<Int> { block * Self.block..<min((block + 1) * Self.block, size) }

    @Test(arguments: ReadKind.followingEdges, blocks)
    func `of a blob that has all blocks but one, nothing but that one is fetched`(
        kind: ReadKind, missing: Int
    ) async throws {
        let bytes = content(missing, count: Self.size)
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind, isWatched: true) { scene async throws in
            let blob = try await scene.store.upload(bytes, owner: secret(1)).address
            let watched = try #require(scene.watched)
            // Each by itself: of ranges that follow each other, more than the next is fetched.
            for block in Self.blocks.reversed() where block != missing {
                let range = Self.range(of: block)
                let span = Int64(range.lowerBound)..<Int64(range.upperBound)
                let part = try await read(range, of: blob, from: scene.reads, for: .range(span))
                #expect(part == Array(bytes[range]))
                #expect(covered(watched.takeReads(of: blob)) == range, "block \(block)")
            }
            let whole = try await read(0..<Self.size, of: blob, from: scene.reads, for: .whole)
            #expect(address(of: whole) == blob)
            #expect(covered(watched.takeReads(of: blob)) == Self.range(of: missing))
            let again = try await read(0..<Self.size, of: blob, from: scene.reads, for: .whole)
            #expect(again == bytes && watched.takeReads(of: blob).isEmpty)
        }
    }

    private func read(
        _ range: Range<Int>, of blob: BlobAddress, from store: any BlobStore, for intent: ReadIntent
    ) async throws -> [UInt8] {
        let held = try await store.held(blob, for: intent)
        let range = try #require(
            ByteRange(offset: Int64(range.lowerBound), count: Int64(range.count), within: held.size))
        return try await held.content.read(range, for: intent)
    }

    /// The range that pieces make which follow each other; nil where they do not.
    private func covered(_ pieces: [Range<Int64>]) -> Range<Int>? {
        guard let first = pieces.first else { return nil }
        var end = first.lowerBound
        for piece in pieces {
            guard piece.lowerBound == end else { return nil }
            end = piece.upperBound
        }
        return Int(first.lowerBound)..<Int(end)
    }
}

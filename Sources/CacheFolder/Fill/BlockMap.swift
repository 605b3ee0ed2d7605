/// Which blocks of a blob are here: one bit for each 64 KiB, 4 KiB of memory for 2 GiB.
package struct BlockMap: Sendable {
    /// Bytes of a block; the last one may have fewer.
    package static let blockBytes: Int64 = 64 << 10

    /// Bytes of the blob.
    package let size: Int64
    /// How many blocks there are.
    package let count: Int
    /// How many of them are here.
    package private(set) var present = 0
    private var words: [UInt64]

    /// Without any block, for a blob of `size` bytes, at least 1.
    package init(size: Int64) {
        self.size = size
        count = Int((size - 1) / Self.blockBytes + 1)
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    package var isFull: Bool { present == count }

    /// Bytes that are missing, at most.
    package var missingBytes: Int64 { Int64(count - present) * Self.blockBytes }

    package func contains(_ block: Int) -> Bool { words[block / 64] >> UInt64(block % 64) & 1 == 1 }

    package mutating func insert(_ block: Int) {
        if contains(block) { return }
        words[block / 64] |= 1 << UInt64(block % 64)
        present += 1
    }

    /// The first block from `block` on that is here; `count` if none is.
    package func firstPresent(from block: Int) -> Int {
        var block = block
        while block < count, !contains(block) {
            // Whole words without one are passed over.
            block = block % 64 == 0 && words[block / 64] == 0 ? block + 64 : block + 1
        }
        return min(block, count)
    }

    /// The block that holds the byte at `offset`.
    package func block(at offset: Int64) -> Int { Int(offset / Self.blockBytes) }

    /// Where a block begins; the blob's end for the one behind the last.
    package func start(of block: Int) -> Int64 { min(Int64(block) * Self.blockBytes, size) }
}

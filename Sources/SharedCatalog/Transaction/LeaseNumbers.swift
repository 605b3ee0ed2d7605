import Synchronization

/// Numbers for new leases of one lane, in blocks that the database gives out: what is left of a block is for the next batch.
final class LeaseNumbers: Sendable {
    /// More than most batches make.
    static let blockLength: Int64 = 1024

    private let blocks = Mutex([Range<Int64>]())

    init() {}

    /// How many there are.
    var count: Int { blocks.withLock { blocks in blocks.reduce(0) { $0 + $1.count } } }

    /// Whether there might be too few for a batch.
    var isShort: Bool { count < Self.blockLength / 2 }

    func add(block: Int64) throws(SharedCatalogError) {
        guard (0..<Int64.max / Self.blockLength - 1).contains(block) else {
            throw .failed("the database has no numbers for leases left")
        }
        let first = block * Self.blockLength
        blocks.withLock { $0.append(first..<first + Self.blockLength) }
    }

    /// Forgets all that are left: the database may have forgotten that it gave them out.
    func drop() { blocks.withLock { $0 = [] } }

    func take() throws(SharedCatalogError) -> Int64 {
        let number = blocks.withLock { blocks -> Int64? in
            guard let block = blocks.first else { return nil }
            blocks[0] = block.lowerBound + 1..<block.upperBound
            if blocks[0].isEmpty { blocks.removeFirst() }
            return block.lowerBound
        }
        guard let number else { throw .failed("a batch made more leases than there are numbers") }
        return number
    }
}

import BlobFiles
import Blobs
import Logging
import Objects
import SharedCatalog
import Store
import StoreRules
import Synchronization

/// Gives bytes of blobs as they are in the object store, verified: an object is fetched whole and compared with its digest
/// before anybody gets a byte of it.
///
/// An object that is not there, or not as it should be, may have been replaced: whoever uploads the same bytes again puts
/// a new object in place of the old one. So the row is read again. Where it still names the same object, and that is not as
/// it should be a second time, the blob is damaged, and somebody looks at it soon.
final class ObjectReader: Sendable {
    /// Objects up to this size are hashed where they arrive; others on a thread.
    private static let hashedInPlace = 64 << 10
    /// How often one request follows a row that names another object each time.
    private static let replacementLimit = 4

    private let objects: any ObjectStore
    private let row: @Sendable (BlobAddress) async throws(StoreError) -> FoundBlob?
    private let suspects: SuspectBlobs
    private let budget: MemoryBudget
    private let threads: BlockingPool
    private let logger: Logger
    /// Whether the last object that was asked for could not be read, though it may be there.
    private let isFailing = Atomic(false)

    /// - Parameters:
    ///   - row: what the catalog knows of a blob at this moment.
    ///   - budget: bounds the bytes that are in memory.
    init(
        _ objects: any ObjectStore, row: @escaping @Sendable (BlobAddress) async throws(StoreError) -> FoundBlob?,
        suspects: SuspectBlobs, budget: MemoryBudget, threads: BlockingPool, logger: Logger
    ) {
        self.objects = objects
        self.row = row
        self.suspects = suspects
        self.budget = budget
        self.threads = threads
        self.logger = logger
    }

    /// Whether something may be fetched that nobody waits for.
    var isRelaxed: Bool { budget.isRelaxed }

    /// Fetches the bytes of `range` and runs `body` with them, for as long as they count as being in memory. Gives the
    /// layout that they were found by, which may be another one by then.
    ///
    /// Throws `.damaged`, `.gone` or `.notFound` where the blob is not held, or not whole, any more; `.unavailable` where
    /// the object store does not answer.
    func withBytes<Value>(
        of range: ByteRange, of address: BlobAddress, by layout: BlobLayout,
        _ body: ([UInt8]) async throws(StoreError) -> Value
    ) async throws(StoreError) -> (value: Value, layout: BlobLayout) {
        var layout = layout
        var looks = 0
        for _ in 0..<Self.replacementLimit {
            let pieces = layout.pieces(of: range)
            // One object at a time is there beside what is collected.
            let most = pieces.map(\.size).max() ?? 0
            let needed = pieces.count == 1 ? most : most + range.count
            let outcome: Result<Value, ObjectFlaw> = try await budget.withBytes(needed) { () async throws(StoreError) in
                switch try await collect(range, pieces) {
                case .failure(let flaw): return .failure(flaw)
                case .success(let bytes): return .success(try await body(bytes))
                }
            }
            switch outcome {
            case .success(let value): return (value, layout)
            case .failure(let flaw):
                looks += 1
                let current = try await layoutNow(of: address, size: layout.size)
                if current.object != layout.object { looks = 0 }
                if looks >= 2 { throw suspect(address, flaw) }
                layout = current
            }
        }
        throw .unavailable("the blob is being replaced too often")
    }

    // MARK: Objects

    /// How an object is not as it should be.
    private struct ObjectFlaw: Error {
        let id: ObjectID
        let what: String
    }

    /// The bytes of `range` out of the objects that have them.
    private func collect(
        _ range: ByteRange, _ pieces: ArraySlice<BlobPiece>
    ) async throws(StoreError) -> Result<[UInt8], ObjectFlaw> {
        var collected: [UInt8] = []
        for piece in pieces {
            switch try await object(piece) {
            case .failure(let flaw): return .failure(flaw)
            case .success(let bytes):
                let (start, end) = (max(range.offset, piece.offset), min(range.end, piece.end))
                if end - start == piece.size, range.count == piece.size { return .success(bytes) }
                collected += bytes[Int(start - piece.offset)..<Int(end - piece.offset)]
            }
        }
        return .success(collected)
    }

    /// All bytes of an object, which are those of its digest.
    private func object(_ piece: BlobPiece) async throws(StoreError) -> Result<[UInt8], ObjectFlaw> {
        let found: [UInt8]?
        do throws(ObjectError) { found = try await objects.get(ObjectName(piece.id), range: nil) } catch {
            throw unreadable(error)
        }
        noteAnswer()
        guard let bytes = found else { return .failure(ObjectFlaw(id: piece.id, what: "it is not there")) }
        guard bytes.count == piece.size else {
            return .failure(ObjectFlaw(id: piece.id, what: "it has \(bytes.count) bytes instead of \(piece.size)"))
        }
        guard try await digest(of: bytes) == piece.digest else {
            return .failure(ObjectFlaw(id: piece.id, what: "it has another SHA-256"))
        }
        return .success(bytes)
    }

    private func digest(of bytes: [UInt8]) async throws(StoreError) -> BlobAddress {
        if bytes.count <= Self.hashedInPlace { return BlobAddress(of: bytes) }
        return try await threads.run { () throws(StoreError) in BlobAddress(of: bytes) }
    }

    // MARK: Trouble

    /// Where the bytes of a blob are by now.
    private func layoutNow(of address: BlobAddress, size: Int64) async throws(StoreError) -> BlobLayout {
        guard let found = try await row(address) else { throw .notFound }
        switch found.row.state {
        case .held: break
        case .damaged: throw .damaged
        case .removing, .gone: throw .gone(found.row.reason ?? .expired)
        }
        guard let layout = BlobLayout(found), layout.size == size else {
            suspects.add(address)
            throw .damaged
        }
        return layout
    }

    /// A blob that was not as it should be twice is looked at soon.
    private func suspect(_ address: BlobAddress, _ flaw: ObjectFlaw) -> StoreError {
        suspects.add(address)
        logger.error(
            "An object of a blob is not as it should be",
            metadata: ["blob": "\(address.abbreviated)", "object": "\(flaw.id.hex)", "why": "\(flaw.what)"])
        return .damaged
    }

    /// The object store failed. Why is for the log, once: strangers are told that it did.
    private func unreadable(_ error: ObjectError) -> StoreError {
        if !isFailing.exchange(true, ordering: .relaxed) {
            logger.warning("Objects cannot be read", metadata: ["error": "\(error)"])
        }
        return .unavailable("the object store does not answer")
    }

    private func noteAnswer() {
        guard isFailing.load(ordering: .relaxed), isFailing.exchange(false, ordering: .relaxed) else { return }
        logger.notice("Objects can be read again")
    }
}

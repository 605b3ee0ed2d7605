import Blobs
import Logging
import SharedCatalog
import Store
import StoreParts
import StoreRules
import Telemetry

/// One slow pass over all held blobs, in the order of their addresses. If it is interrupted, it has recorded how far it
/// came, and the next one continues from there, on whichever node.
struct SharedScrub {
    /// Blobs that are looked up at once.
    private static let pageBlobs = 100
    /// How often it records how far it has come.
    static let noteInterval = Duration.seconds(30)

    private let store: SharedStore
    private var duty: SweepDuty
    private var row: ScrubRow
    private var pace: ScrubRest
    private var lastNote = ContinuousClock.now
    /// Whether another node goes on with it.
    private var isTaken = false

    /// - Parameters:
    ///   - row: where to continue.
    ///   - traffic: bytes sent to clients so far.
    init(
        _ store: SharedStore, from row: ScrubRow, bytesPerSecond: Int64, duty: SweepDuty,
        traffic: @escaping @Sendable () -> Int
    ) {
        self.store = store
        self.duty = duty
        self.row = row
        pace = ScrubRest(
            bytesPerSecond: bytesPerSecond, traffic: traffic, isTakingUploads: { store.isTakingUploads })
    }

    /// Reads to the end, or until the task is cancelled.
    mutating func run() async throws(StoreError) {
        do throws(StoreError) { try await readOn() } catch {
            // What failed may be the database as well; then the next one begins where this did.
            try? await note(isEnd: false)
            throw error
        }
    }

    private mutating func readOn() async throws(StoreError) {
        while !Task.isCancelled {
            guard try await keepsDuty() else { return }
            let cursor = row.cursor
            let page = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.blobs(after: cursor, limit: Self.pageBlobs)
            }
            if page.isEmpty { return try await note(isEnd: true) }
            for blob in page {
                if blob.row.state == .held, try await !look(at: blob) { break }
                row.cursor = blob.row.address
                if Task.isCancelled { break }
                if ContinuousClock.now - lastNote >= Self.noteInterval { try await note(isEnd: false) }
            }
        }
        try await note(isEnd: false)
    }

    /// Checks one blob; false if it could not be checked to its end and is to be checked again.
    private mutating func look(at blob: FoundBlob) async throws(StoreError) -> Bool {
        pace.begin()
        do throws(StoreError) {
            let damaged = try await store.examine(blob) { bytes async throws(StoreError) in
                await self.pace.rest(afterBytes: Int64(bytes))
                guard !Task.isCancelled, try await self.keepsDuty() else { throw .unavailable("the check has ended") }
            }
            row.blobs += 1
            row.bytes += blob.row.size
            store.meters.scrubbedBlobs.add()
            store.meters.scrubbedBytes.add(Int(blob.row.size))
            if let damaged {
                row.damaged += 1
                try await store.handle(damaged)
            }
        } catch {
            if Task.isCancelled || isTaken { return false }
            // One blob that cannot be checked must not keep the others from being checked.
            guard case .io = error else { throw error }
            store.logger.warning(
                "Could not check a blob", metadata: ["blob": "\(blob.row.address.abbreviated)", "error": "\(error)"])
        }
        await pace.rest(afterBytes: max(0, ScrubPace.leastBytes - blob.row.size))
        return true
    }

    /// Another node goes on where this one was too slow to keep its duty.
    private mutating func keepsDuty() async throws(StoreError) -> Bool {
        if try await !duty.keep() { isTaken = true }
        return !isTaken
    }

    private mutating func note(isEnd: Bool) async throws(StoreError) {
        lastNote = .now
        row.latest = store.now()
        let row = row
        try await store.make(NoteScrub(row, isEnd: isEnd))
    }
}

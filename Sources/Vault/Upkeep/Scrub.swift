import Blobs
import Catalog
import Logging
import Store
import StoreParts
import StoreRules
import Telemetry

/// One slow pass over all held blobs, in the order of their addresses. If it is interrupted, it has recorded how far it
/// came, and the next one continues from there.
struct Scrub {
    /// How often it records how far it has come.
    static let noteInterval = Duration.seconds(30)

    private let vault: Vault
    private var row: ScrubRow
    private var pace: ScrubRest
    private var lastNote = ContinuousClock.now

    /// - Parameters:
    ///   - row: where to continue.
    ///   - traffic: bytes sent to clients so far.
    init(_ vault: Vault, from row: ScrubRow, bytesPerSecond: Int64, traffic: @escaping @Sendable () -> Int) {
        self.vault = vault
        self.row = row
        pace = ScrubRest(
            bytesPerSecond: bytesPerSecond, traffic: traffic, isTakingUploads: { vault.isTakingUploads })
    }

    /// Reads to the end, or until the task is cancelled.
    mutating func run() async throws(StoreError) {
        while !Task.isCancelled {
            let cursor = row.cursor
            let page = try await vault.read { try $0.blobs(after: cursor) }
            if page.isEmpty { return try await note(isEnd: true) }
            for blob in page {
                if blob.state == .held, try await !look(at: blob) { break }
                row.cursor = blob.address
                if Task.isCancelled { break }
                if ContinuousClock.now - lastNote >= Self.noteInterval { try await note(isEnd: false) }
            }
        }
        try await note(isEnd: false)
    }

    /// Checks one blob; false if it could not be checked to its end and is to be checked again.
    private mutating func look(at blob: BlobRow) async throws(StoreError) -> Bool {
        pace.begin()
        do throws(StoreError) {
            let damage = try await vault.examine(blob) { bytes async throws(StoreError) in
                await self.pace.rest(afterBytes: Int64(bytes))
                if Task.isCancelled { throw .unavailable("the check was cancelled") }
            }
            count(blob)
            if let damage {
                row.damaged += 1
                try await vault.handle(damage, of: blob)
            }
        } catch {
            // One blob that cannot be checked must not keep the others from being checked.
            guard case .io = error else { return false }
            vault.logger.warning(
                "Could not check a blob", metadata: ["blob": "\(blob.address.abbreviated)", "error": "\(error)"])
        }
        await pace.rest(afterBytes: max(0, ScrubPace.leastBytes - blob.size))
        return true
    }

    private mutating func count(_ blob: BlobRow) {
        row.blobs += 1
        row.bytes += blob.size
        vault.meters.scrubbedBlobs.add()
        vault.meters.scrubbedBytes.add(Int(blob.size))
    }

    private mutating func note(isEnd: Bool) async throws(StoreError) {
        lastNote = .now
        row.latest = vault.now()
        let row = row
        try await vault.make(NoteScrub(row, isEnd: isEnd))
    }
}

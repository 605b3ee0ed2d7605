import Blobs
import Catalog
import Logging
import Store
import Telemetry
import Vault

/// One time of going through all blobs, slowly, in the order of their addresses. Where it ends before its time it has
/// written down how far it came, and another goes on from there.
struct Scrub {
    /// How often it writes down how far it has come.
    static let noteInterval = Duration.seconds(30)

    private let lifecycle: Lifecycle
    private let vault: Vault
    private let logger: Logger
    private var row: ScrubRow
    private var pace: ScrubPace
    private var lastNote = ContinuousClock.now
    private var lastPiece = ContinuousClock.now
    private var sentBytes = 0

    /// - Parameter row: how far an earlier one has come.
    init(_ lifecycle: Lifecycle, from row: ScrubRow, bytesPerSecond: Int64, logger: Logger) {
        self.lifecycle = lifecycle
        self.row = row
        self.logger = logger
        vault = lifecycle.vault
        pace = ScrubPace(bytesPerSecond: bytesPerSecond)
    }

    /// Goes on to the end, or until the task is cancelled; tells whether it came to the end.
    mutating func run() async throws(StoreError) -> Bool {
        while !Task.isCancelled {
            let cursor = row.cursor
            let page = try await vault.read { try $0.blobs(after: cursor) }
            if page.isEmpty {
                try await note(isEnd: true)
                return true
            }
            for blob in page {
                if blob.state == .held, try await !look(at: blob) { break }
                row.cursor = blob.address
                if Task.isCancelled { break }
                if ContinuousClock.now - lastNote >= Self.noteInterval { try await note(isEnd: false) }
            }
        }
        try await note(isEnd: false)
        return false
    }

    /// Tells whether it came to the end of the blob.
    private mutating func look(at blob: BlobRow) async throws(StoreError) -> Bool {
        lastPiece = .now
        do throws(StoreError) {
            let damage = try await vault.examine(blob) { bytes async throws(StoreError) in
                await self.rest(afterBytes: Int64(bytes))
                if Task.isCancelled { throw .unavailable("the check was cancelled") }
            }
            count(blob)
            if let damage {
                row.damaged += 1
                try await lifecycle.take(damage, of: blob, logger: logger)
            }
        } catch {
            // What keeps one blob from being looked at must not keep the others from it.
            guard case .io = error else { return false }
            logger.warning(
                "A blob could not be checked", metadata: ["blob": "\(blob.address.abbreviated)", "error": "\(error)"])
        }
        await rest(afterBytes: max(0, ScrubPace.leastBytes - blob.size))
        return true
    }

    private mutating func count(_ blob: BlobRow) {
        row.blobs += 1
        row.bytes += blob.size
        vault.meters.scrubbedBlobs.add()
        vault.meters.scrubbedBytes.add(Int(blob.size))
    }

    /// Leaves the disk to others for a while.
    private mutating func rest(afterBytes bytes: Int64) async {
        let took = ContinuousClock.now - lastPiece
        if let pause = pace.pause(afterBytes: bytes, took: took, isBusy: isBusy()) {
            // Cancelled, it ends soon.
            try? await Task.sleep(for: pause)
        }
        lastPiece = .now
    }

    /// Whether uploads are under way, or blobs have been sent since this was last asked.
    private mutating func isBusy() -> Bool {
        let sent = vault.meters.requests.sentBytes(route: .blob)
        defer { sentBytes = sent }
        return vault.isTakingUploads || sent != sentBytes
    }

    private mutating func note(isEnd: Bool) async throws(StoreError) {
        lastNote = .now
        row.latest = vault.now()
        let row = row
        try await vault.write { writer, _ in isEnd ? try writer.finish(row) : try writer.keep(row) }
    }
}

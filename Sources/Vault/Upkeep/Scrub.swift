import Blobs
import Catalog
import Logging
import Store
import StoreRules
import Telemetry

/// One slow pass over all held blobs, in the order of their addresses. If it is interrupted, it has recorded how far it
/// came, and the next one continues from there.
struct Scrub {
    /// How often it records how far it has come.
    static let noteInterval = Duration.seconds(30)

    private let vault: Vault
    private let traffic: @Sendable () -> Int
    private var row: ScrubRow
    private var pace: ScrubPace
    private var lastNote = ContinuousClock.now
    private var lastPiece = ContinuousClock.now
    private var sentBytes = 0

    /// - Parameters:
    ///   - row: where to continue.
    ///   - traffic: bytes sent to clients so far.
    init(_ vault: Vault, from row: ScrubRow, bytesPerSecond: Int64, traffic: @escaping @Sendable () -> Int) {
        self.vault = vault
        self.traffic = traffic
        self.row = row
        pace = ScrubPace(bytesPerSecond: bytesPerSecond)
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
        lastPiece = .now
        do throws(StoreError) {
            let damage = try await vault.examine(blob) { bytes async throws(StoreError) in
                await self.rest(afterBytes: Int64(bytes))
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
        await rest(afterBytes: max(0, ScrubPace.leastBytes - blob.size))
        return true
    }

    private mutating func count(_ blob: BlobRow) {
        row.blobs += 1
        row.bytes += blob.size
        vault.meters.scrubbedBlobs.add()
        vault.meters.scrubbedBytes.add(Int(blob.size))
    }

    /// Pauses if it is ahead of its pace.
    private mutating func rest(afterBytes bytes: Int64) async {
        let took = ContinuousClock.now - lastPiece
        if let pause = pace.pause(afterBytes: bytes, took: took, isBusy: isBusy()) {
            // If cancelled, the loop ends.
            try? await Task.sleep(for: pause)
        }
        lastPiece = .now
    }

    /// Whether uploads are under way, or blobs have been sent since the last call.
    private mutating func isBusy() -> Bool {
        let sent = traffic()
        defer { sentBytes = sent }
        return vault.isTakingUploads || sent != sentBytes
    }

    private mutating func note(isEnd: Bool) async throws(StoreError) {
        lastNote = .now
        row.latest = vault.now()
        let row = row
        try await vault.make(NoteScrub(row, isEnd: isEnd))
    }
}

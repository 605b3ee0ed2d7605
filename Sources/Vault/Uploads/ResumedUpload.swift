import BlobFiles
import Blobs
import Store
import StoreParts
import StoreRules
import Synchronization

/// One request's part of a resumable upload.
///
/// Each step is taken under the upload's lock, which is never held while waiting for a client; so a newer request can end
/// this one between any two pieces.
final class ResumedUpload: ResumableSession {
    /// Bytes after which the offset is made durable on the way, so that a crash costs no more than that.
    static let checkpointBytes: Int64 = 64 << 20

    private struct State {
        /// What a step hears once the request is over.
        var end: StoreError?
        /// Offset and length in the upload's row.
        var durableOffset: Int64
        var durableLength: Int64?
        /// When the last bytes arrived.
        var latest: Timestamp
    }

    let upload: ResumableUpload
    private let vault: Vault
    /// The length of the whole, if it is known by now.
    private let length: Int64?
    private let writer: UploadWriter
    private let state: Mutex<State>

    init(_ upload: ResumableUpload, length: Int64?, _ writer: UploadWriter, in vault: Vault) {
        self.vault = vault
        self.upload = upload
        self.length = length
        self.writer = writer
        state = Mutex(State(durableOffset: upload.offset, durableLength: upload.length, latest: vault.time.now))
        writer.offerPlace { [weak self] in await self?.losePlace() }
    }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        try await step { () async throws(StoreError) in
            do throws(StoreError) {
                try await writer.append(bytes)
                state.withLock { $0.latest = vault.time.now }
                if writer.checksum == nil, writer.received - durableOffset >= Self.checkpointBytes {
                    try await checkpoint()
                }
            } catch {
                if error == .noPlaceInProgress {
                    await supersede(because: error)
                    throw error
                }
                end()
                try? await writer.drain()
                throw await settle(error)
            }
        }
    }

    func pause() async throws(StoreError) -> ResumableUpload {
        try await step { () async throws(StoreError) in try await endPaused() }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        try await step { () async throws(StoreError) in
            end()
            writer.holdPlace()
            do throws(StoreError) {
                let blob = try await vault.commit(writer, row: upload.id)
                await writer.close()
                await vault.discard(upload.id)
                return blob
            } catch {
                // The whole upload is durable: only its end has to be tried again.
                if writer.isWhole, !error.isFinalForUpload, error != .outcomeUnknown { try? await moveOffset() }
                throw await settle(error)
            }
        }
    }

    func abandon() async {
        await vault.uploadLocks.withLock(upload.id) {
            if state.withLock({ $0.end == nil }) { await endAbandoned() }
        }
    }

    /// Its place went to another request. What it brought counts, as for a newer request.
    private func losePlace() async {
        await vault.uploadLocks.withLock(upload.id) {
            if state.withLock({ $0.end == nil }) { await supersede(because: .noPlaceInProgress) }
        }
    }

    // MARK: Called under the upload's lock

    /// Ends this request for another. What it brought counts as far as it can be made durable.
    func supersede(because reason: StoreError = .superseded) async {
        end(because: reason)
        if writer.checksum == nil { _ = try? await endPaused() } else { await endAbandoned() }
    }

    /// Ends this request; what it brought since the last checkpoint is dropped.
    func endAbandoned() async {
        end()
        try? await writer.drain()
        await release(cutting: true)
    }

    /// Whether bytes arrived within the upload's lifetime: then it has not expired, whatever its row says.
    func isAlive(at now: Timestamp) -> Bool {
        state.withLock { $0.latest }.advanced(by: vault.settings.uploadLifetime) > now
    }

    // MARK: Steps

    private func step<Value>(_ body: () async throws(StoreError) -> Value) async throws(StoreError) -> Value {
        try await vault.uploadLocks.withLock(upload.id) { () async throws(StoreError) in
            if let end = state.withLock({ $0.end }) { throw end }
            return try await body()
        }
    }

    private func end(because reason: StoreError = .superseded) { state.withLock { $0.end = $0.end ?? reason } }

    private var durableOffset: Int64 { state.withLock { $0.durableOffset } }

    /// Makes the bytes durable, then the offset. After an error the bytes since the last checkpoint have to be sent again.
    private func checkpoint() async throws(StoreError) {
        try await writer.drain()
        // A request that brings nothing does not postpone the upload's expiry.
        let isProgress = writer.received != durableOffset || length != upload.length
        let writer = writer
        try await vault.workers.run { () throws(StoreError) in
            let rest = try writer.hashRest()
            guard isProgress else { return }
            try writer.write(rest)
            try writer.synchronize()
        }
        if isProgress { try await moveOffset() }
    }

    /// Moves the row's offset behind the synced bytes.
    private func moveOffset() async throws(StoreError) {
        let offset = writer.received
        try await vault.moveRow(of: upload.id, to: offset, length: length)
        state.withLock { ($0.durableOffset, $0.durableLength) = (offset, length) }
    }

    // MARK: Ends

    private func endPaused() async throws(StoreError) -> ResumableUpload {
        end()
        do throws(StoreError) { try await checkpoint() } catch { throw await settle(error) }
        await park(isClean: true)
        return try await vault.row(of: upload.id)
    }

    /// Ends the upload if it can never be taken, else only this request. Returns the error.
    private func settle(_ error: StoreError) async -> StoreError {
        // Too many bytes for the announced length are the request's mistake; too many for the store are the upload's.
        let isMoreThanAnnounced = if case .tooLarge = error { length != nil } else { false }
        if error.isFinalForUpload && !isMoreThanAnnounced {
            await writer.close()
            rest()
            await vault.refuse(upload, because: error)
        } else {
            await release(cutting: error != .outcomeUnknown)
        }
        return error
    }

    /// Drops what came after the durable offset, and the digest with it.
    private func release(cutting: Bool) async {
        let (writer, offset) = (writer, durableOffset)
        let isClean = offset == writer.received
        if cutting && !isClean {
            // If this fails, the file is truncated when it is opened again.
            try? await vault.workers.run { () throws(StoreError) in try writer.cut(to: offset) }
        }
        await park(isClean: isClean)
    }

    /// Leaves the upload to the next request: with the digest, if it is that of the bytes before the durable offset.
    private func park(isClean: Bool) async {
        let hasher = await writer.close()
        rest()
        vault.openUploads.park(upload.id, isClean ? hasher : nil)
    }

    private func rest() {
        let (offset, length) = state.withLock { ($0.durableOffset, $0.durableLength) }
        writer.slot.rest(at: offset, length: length)
    }
}

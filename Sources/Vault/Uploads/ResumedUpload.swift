import Blobs
import Store
import Synchronization

/// One request's part of a resumable upload.
///
/// Each step is taken under the upload's lock, which is never held while waiting for a client; so a newer request can end
/// this one between any two pieces.
final class ResumedUpload: ResumableSession {
    /// Bytes after which the offset is made durable on the way, so that a crash costs no more than that.
    static let checkpointBytes: Int64 = 64 << 20

    private struct State {
        var isOver = false
        /// The offset in the upload's row.
        var durableOffset: Int64
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
        state = Mutex(State(durableOffset: upload.offset, latest: vault.time.now))
    }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        try await step { () async throws(StoreError) in
            do throws(StoreError) {
                state.withLock { $0.latest = vault.time.now }
                try await writer.append(bytes)
                if writer.checksum == nil, writer.received - durableOffset >= Self.checkpointBytes {
                    try await checkpoint()
                }
            } catch {
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
            do throws(StoreError) {
                let blob = try await vault.commit(writer, as: upload.announcement, row: upload.id)
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
            if !state.withLock({ $0.isOver }) { await endAbandoned() }
        }
    }

    // MARK: Called under the upload's lock

    /// Ends this request for a newer one. What it brought counts as far as it can be made durable.
    func supersede() async {
        if writer.checksum != nil { return await endAbandoned() }
        _ = try? await endPaused()
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
            if state.withLock({ $0.isOver }) { throw .superseded }
            return try await body()
        }
    }

    private func end() { state.withLock { $0.isOver = true } }

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
        if length == nil { _ = writer.slot.resize(to: offset) }
        state.withLock { $0.durableOffset = offset }
    }

    // MARK: Ends

    private func endPaused() async throws(StoreError) -> ResumableUpload {
        end()
        do throws(StoreError) { try await checkpoint() } catch { throw await settle(error) }
        vault.uploads.park(upload.id, await writer.close())
        return try await vault.row(of: upload.id)
    }

    /// Ends the upload if it can never be taken, else only this request. Returns the error.
    private func settle(_ error: StoreError) async -> StoreError {
        // Too many bytes for the announced length are the request's mistake; too many for the store are the upload's.
        let isMoreThanAnnounced = if case .tooLarge = error { length != nil } else { false }
        if error.isFinalForUpload && !isMoreThanAnnounced {
            await writer.close()
            await vault.refuse(upload.id, because: error)
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
        let hasher = await writer.close()
        writer.slot.expectDisk(length.map { $0 - offset })
        vault.uploads.park(upload.id, isClean ? hasher : nil)
    }
}

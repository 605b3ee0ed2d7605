import Blobs
import DiskStore
import Store
import StoreRules
import Synchronization
import Telemetry

/// What one request does to an upload that outlives it.
///
/// Whatever happens to an upload happens under its lock, which is held for one step and never while a client is waited
/// for; so a newer request can end this one between any two pieces.
final class UploadTurn: ResumableSession {
    /// Bytes after which what came is written down on the way, so that a crash costs no more than that.
    static let noteBytes: Int64 = 64 << 20

    let upload: ResumableUpload
    private let vault: Vault
    /// The length of the whole, as it is known by now.
    private let length: Int64?
    private let checksum: UploadChecksum?
    private let bytes: UploadBytes
    private let isOver = Mutex(false)
    /// The offset that is written down.
    private let noted: Mutex<Int64>
    /// When the last bytes came.
    private let latest: Mutex<Timestamp>

    init(vault: Vault, upload: ResumableUpload, length: Int64?, checksum: UploadChecksum?, bytes: UploadBytes) {
        self.vault = vault
        self.upload = upload
        self.length = length
        self.checksum = checksum
        self.bytes = bytes
        noted = Mutex(upload.offset)
        latest = Mutex(vault.time.now)
        vault.meters.openUploads.add(1)
    }

    deinit { vault.meters.openUploads.add(-1) }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        try await step { () async throws(StoreError) in
            do throws(StoreError) {
                latest.withLock { $0 = vault.time.now }
                try await self.bytes.append(bytes)
                if checksum == nil, self.bytes.received - noted.withLock({ $0 }) >= Self.noteBytes { try await note() }
            } catch {
                try await fail(error)
            }
        }
    }

    func pause() async throws(StoreError) -> ResumableUpload {
        try await step { () async throws(StoreError) in try await endPaused() }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        try await step { () async throws(StoreError) in
            isOver.withLock { $0 = true }
            do throws(StoreError) { return try await finishAndStore() } catch {
                throw await settle(error)
            }
        }
    }

    func abandon() async {
        await vault.uploadLocks.withLock(upload.id) {
            if !isOver.withLock({ $0 }) { await endAbandoned() }
        }
    }

    /// Ends the work for a newer request, which holds the upload's lock.
    func supersede() async {
        if checksum != nil { return await endAbandoned() }
        // What came counts as far as it can be written down.
        _ = try? await endPaused()
    }

    /// Whether bytes have come not long ago: then the upload's time is not up, whatever is written down.
    func isAlive(at now: Timestamp) -> Bool {
        latest.withLock { $0 }.advanced(by: vault.settings.uploadLifetime) > now
    }

    /// Ends the work; what it brought does not count. The upload's lock is held.
    func endAbandoned() async {
        isOver.withLock { $0 = true }
        try? await bytes.drain()
        await release(cutting: true)
    }

    // MARK: Steps

    private func step<Value>(_ body: () async throws(StoreError) -> Value) async throws(StoreError) -> Value {
        try await vault.uploadLocks.withLock(upload.id) { () async throws(StoreError) in
            if isOver.withLock({ $0 }) { throw .superseded }
            return try await body()
        }
    }

    /// Writes down what is here, and goes on.
    private func note() async throws(StoreError) {
        try await bytes.drain()
        try await vault.workers.run { () throws(StoreError) in try self.synchronize(isWhole: false) }
        try await move()
    }

    /// Every byte that came is on the disk afterwards. An error is final: what was not written down before is sent again.
    private func synchronize(isWhole: Bool) throws(StoreError) {
        try bytes.write(try bytes.lastPieces(isWhole: isWhole))
        let start = ContinuousClock.now
        try bytes.onStaging { staging throws(StoreError) in try staging.synchronize() }
        vault.meters.fileSyncs.record(ContinuousClock.now - start)
    }

    /// Writes down the offset that the synced bytes reach.
    private func move() async throws(StoreError) {
        let (id, offset, length) = (upload.id, bytes.received, length)
        let lifetime = vault.settings.uploadLifetime
        try await vault.make(AdvanceUpload(id: id, offset: offset, length: length, lifetime: lifetime))
        if length == nil { _ = vault.kept[id]?.place.resize(to: Usage.bytes(for: offset)) }
        noted.withLock { $0 = offset }
    }

    private func endPaused() async throws(StoreError) -> ResumableUpload {
        isOver.withLock { $0 = true }
        do throws(StoreError) {
            try await bytes.drain()
            let checksum = checksum
            // A request that brings nothing is no progress, and postpones no end.
            let isProgress = bytes.received != noted.withLock { $0 } || length != upload.length
            try await vault.workers.run { () throws(StoreError) in
                if isProgress { try self.synchronize(isWhole: false) }
                try self.bytes.verify(checksum)
            }
            if isProgress { try await move() }
        } catch {
            throw await settle(error)
        }
        await park()
        return try await vault.written(upload.id)
    }

    // MARK: Ends

    /// A step before the end failed: so does the rest.
    private func fail(_ error: StoreError) async throws(StoreError) {
        isOver.withLock { $0 = true }
        try? await bytes.drain()
        throw await settle(error)
    }

    /// Ends the upload where `error` is for ever, else this request alone; gives the error.
    private func settle(_ error: StoreError) async -> StoreError {
        // More than was announced can be left out the next time; more than is ever taken cannot.
        let isMoreThanAnnounced = if case .tooLarge = error { length != nil } else { false }
        if error.isFinalForUpload && !isMoreThanAnnounced {
            let bytes = bytes
            try? await vault.workers.run { _ = bytes.release() }
            await vault.refuse(upload.id, because: error)
        } else {
            await release(cutting: error != .outcomeUnknown)
        }
        return error
    }

    /// What was not written down goes, and with it what was hashed of it.
    private func release(cutting: Bool) async {
        let offset = noted.withLock { $0 }
        let isClean = offset == bytes.received
        let (vault, bytes) = (vault, bytes)
        let parked = try? await vault.workers.run {
            // Cut again before the next byte comes, where this fails.
            if cutting && !isClean {
                try? bytes.onStaging { staging throws(StoreError) in try staging.cut(to: offset) }
            }
            return bytes.release()
        }
        let space = ParkedSpace(Reservation(renewing: length, after: offset, from: vault.ledger))
        vault.kept.park(upload.id, isClean ? parked ?? nil : nil, space)
    }

    /// Everything is written down: file and share wait for the next request.
    private func park() async {
        let bytes = bytes
        guard let (hasher, space) = try? await vault.workers.run({ bytes.park() }) else { return }
        vault.kept.park(upload.id, hasher, space)
    }

    // MARK: The whole

    private func finishAndStore() async throws(StoreError) -> StoredBlob {
        try await bytes.drain()
        let (checksum, announcement) = (checksum, upload.announcement)
        let address = try await vault.workers.run { () throws(StoreError) in
            try self.synchronize(isWhole: true)
            try self.bytes.verify(checksum)
            let address = try self.bytes.address()
            try announcement.verify(address)
            return address
        }
        do throws(StoreError) {
            let stored = try await vault.locks.withLock(address) { () async throws(StoreError) in
                try await makeDurable(address)
            }
            await finish()
            return stored
        } catch {
            // All of it is here and stays, so that the end can be tried again without it.
            if !error.isFinalForUpload, error != .outcomeUnknown { try? await move() }
            throw error
        }
    }

    /// Name, lease and the upload's own row in one batch.
    private func makeDurable(_ address: BlobAddress) async throws(StoreError) -> StoredBlob {
        let (vault, bytes, size) = (vault, bytes, bytes.received)
        let fileSize = try await vault.workers.run { () throws(StoreError) in try vault.fileSize(of: address) }
        let change = CommitUpload(
            address: address, size: size, terms: upload.announcement.terms, limits: vault.settings.leaseLimits,
            fileSize: fileSize, resumable: (upload.id, vault.settings.finishedUploadLifetime))
        let path = vault.disk.layout.blob(address)
        let result: Result<StoredBlob, StoreError> = await withCheckedContinuation { continuation in
            vault.committer.perform(
                change,
                naming: { stored throws(StoreError) in
                    if stored.isNew { try bytes.name(path) }
                    return stored.isNew
                }, completion: { continuation.resume(returning: $0) })
        }
        return try result.get()
    }

    private func finish() async {
        let bytes = bytes
        try? await vault.workers.run { _ = bytes.release() }
        await vault.removeStaged(upload.id)
        vault.kept.forget(upload.id)
    }
}

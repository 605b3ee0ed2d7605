import Blobs
import DiskStore
import Store
import StoreRules
import Telemetry

/// One upload that lives for one request. A small one is gathered in memory and written by one thread in one go; a large
/// one is hashed and written side by side while it comes.
final class BlobUpload: UploadSession {
    private let vault: Vault
    private let announcement: UploadAnnouncement
    private let place: UploadPlace
    private let bytes: UploadBytes

    /// - Parameter staging: nil for an upload announced as small, which has nothing on the disk before all of it is there.
    init(
        vault: Vault, announcement: UploadAnnouncement, rule: UploadRule, place: UploadPlace,
        staging: consuming Staging?
    ) {
        self.vault = vault
        self.announcement = announcement
        self.place = place
        bytes = UploadBytes(
            rule: rule, gathersAll: Self.isSmall(announcement.size), hasher: BlobHasher(), staging: staging,
            workers: vault.workers)
        vault.meters.openUploads.add(1)
    }

    deinit { vault.meters.openUploads.add(-1) }

    /// Whether an upload of this size is gathered whole.
    static func isSmall(_ size: Int64?) -> Bool { size.map { $0 <= UploadBytes.gatherBytes } ?? false }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        do throws(StoreError) { try await self.bytes.append(bytes) } catch {
            await abandon()
            throw error
        }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        defer { place.giveUp() }
        do throws(StoreError) {
            try await bytes.drain()
            let stored = try await finishAndStore()
            // The bytes were held already, so this upload's own file is still there.
            if !stored.isNew { await abandon() }
            return stored
        } catch {
            await abandon()
            throw error
        }
    }

    func abandon() async {
        // Closing and unlinking can block; once the threads are gone this task does it itself.
        do { try await vault.workers.run { self.release() } } catch { release() }
        place.giveUp()
    }

    private func release() { bytes.release() }

    // MARK: The end

    /// All on one thread: the last bytes, the file's sync where it has one of its own, and the way into a batch.
    private func finishAndStore() async throws(StoreError) -> StoredBlob {
        let end: Result<End, StoreError> = await withCheckedContinuation { continuation in
            vault.workers.submit {
                self.finish { continuation.resume(returning: $0) }
            } orElse: {
                continuation.resume(returning: .failure(.unavailable("the store is closing")))
            }
        }
        switch try end.get() {
        case .stored(let blob): return blob
        case .waits(let address, let size):
            return try await vault.locks.withLock(address) { () async throws(StoreError) in
                let result: Result<StoredBlob, StoreError> = await withCheckedContinuation { continuation in
                    vault.workers.submit {
                        self.makeDurable(address, size: size) { continuation.resume(returning: $0) }
                    } orElse: {
                        continuation.resume(returning: .failure(.unavailable("the store is closing")))
                    }
                }
                return try result.get()
            }
        }
    }

    /// What finishing comes to.
    private enum End {
        case stored(StoredBlob)
        /// Somebody else does something to this address just now.
        case waits(BlobAddress, size: Int64)
    }

    private func finish(_ completion: @escaping @Sendable (Result<End, StoreError>) -> Void) {
        do throws(StoreError) {
            let (address, size) = try finishBytes()
            guard vault.locks.tryAcquire(address) else { return completion(.success(.waits(address, size: size))) }
            makeDurable(address, size: size) { result in
                self.vault.locks.release(address)
                completion(result.map { .stored($0) })
            }
        } catch {
            completion(.failure(error))
        }
    }

    /// Hashes, verifies and writes what was gathered last; nothing of a small upload is written before it is verified.
    private func finishBytes() throws(StoreError) -> (BlobAddress, Int64) {
        let last = try bytes.lastPieces(isWhole: true)
        let address = try bytes.address()
        try announcement.verify(address)
        if Self.isSmall(announcement.size) { bytes.begin(try vault.stage(announcement.size)) }
        try bytes.write(last)
        let start = ContinuousClock.now
        try bytes.onStaging { staging throws(StoreError) in try staging.finish() }
        vault.meters.fileSyncs.record(ContinuousClock.now - start)
        return (address, bytes.received)
    }

    // MARK: Name and row

    /// The file is ready and the lock is held: row and name in one batch.
    private func makeDurable(
        _ address: BlobAddress, size: Int64, _ completion: @escaping @Sendable (Result<StoredBlob, StoreError>) -> Void
    ) {
        let change: CommitUpload
        do throws(StoreError) {
            change = CommitUpload(
                address: address, size: size, terms: announcement.terms, limits: vault.settings.leaseLimits,
                fileSize: try vault.fileSize(of: address))
        } catch {
            return completion(.failure(error))
        }
        let path = vault.disk.layout.blob(address)
        vault.committer.perform(
            change,
            naming: { stored throws(StoreError) in
                if stored.isNew { try self.bytes.name(path) }
                return stored.isNew
            }, completion: completion)
    }
}

extension UploadAnnouncement {
    /// Throws `.digestMismatch` for another address than the one announced.
    func verify(_ actual: BlobAddress) throws(StoreError) {
        if let address, address != actual { throw .digestMismatch(announced: address, actual: actual) }
    }
}

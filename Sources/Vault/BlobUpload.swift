import Blobs
import Catalog
import DiskStore
import Files
import Synchronization
import Telemetry

/// One upload on its way into a vault. A small one is gathered in memory and written by one thread in one go; a large
/// one is hashed and written side by side while it comes. It owns its staged file and its share of the disk.
final class BlobUpload: UploadSession {
    /// Bytes gathered in memory: the whole of a small upload, or a piece of a large one.
    static let gatherBytes = Int(StagedFile.smallBytes)

    /// What comes in, judged and not yet passed on.
    private struct Intake {
        var rule: UploadRule
        var gathered: [UInt8] = []
    }

    private let vault: Vault
    private let announcement: UploadAnnouncement
    private let place: UploadPlace
    /// Nil once the upload is over.
    private let intake: Mutex<Intake?>
    private let hasher = Mutex(BlobHasher())
    /// Nil before a small upload is written, and once the file has its name or is given up.
    private let staging: Mutex<Staging?>
    private let isNamed = Mutex(false)
    private let flow: PieceFlow

    /// - Parameter staging: nil for an upload announced as small, which has nothing on the disk before all of it is there.
    init(
        vault: Vault, announcement: UploadAnnouncement, rule: UploadRule, place: UploadPlace,
        staging: consuming Staging?
    ) {
        self.vault = vault
        self.announcement = announcement
        self.place = place
        intake = Mutex(Intake(rule: rule))
        self.staging = Mutex(staging)
        flow = PieceFlow(workers: vault.workers)
        vault.meters.openUploads.add(1)
    }

    deinit { vault.meters.openUploads.add(-1) }

    /// Whether an upload of this size is gathered whole.
    static func isSmall(_ size: Int64?) -> Bool { size.map { $0 <= gatherBytes } ?? false }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        do throws(StoreError) {
            guard let piece = try take(bytes) else { return }
            try await flow.send {
                self.hash(piece)
            } write: { () throws(StoreError) in
                try self.write(piece)
            }
        } catch {
            await abandon()
            throw error
        }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        defer { place.giveUp() }
        do throws(StoreError) {
            try await flow.drain()
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

    private func release() {
        intake.withLock { $0 = nil }
        staging.withLock { $0 = nil }
    }

    // MARK: Bytes

    /// Judges the bytes and gathers them; gives what is to be hashed and written now.
    private func take(_ bytes: [UInt8]) throws(StoreError) -> [UInt8]? {
        try intake.withLock { intake throws(StoreError) in
            guard var current = intake else { throw StoreError.isOver }
            intake = nil
            try current.rule.take(bytes)
            if current.gathered.isEmpty { current.gathered = bytes } else { current.gathered += bytes }
            defer { intake = current }
            guard current.gathered.count >= Self.gatherBytes, !Self.isSmall(announcement.size) else { return nil }
            defer { current.gathered = [] }
            return current.gathered
        }
    }

    private func hash(_ bytes: [UInt8]) {
        hasher.withLock { $0.update(bytes) }
    }

    private func write(_ bytes: [UInt8]) throws(StoreError) {
        try staging.withLock { staging throws(StoreError) in
            guard var current = staging.take() else { throw StoreError.isOver }
            // After a throw too the file stays until a thread that may block gives it up.
            let result = Result { () throws(StoreError) in try current.write(bytes) }
            staging = consume current
            try result.get()
        }
    }

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
                    makeDurable(address, size: size) { continuation.resume(returning: $0) }
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
        guard let intake = intake.withLock({ $0.take() }) else { throw .isOver }
        try intake.rule.finish()
        hash(intake.gathered)
        let address = hasher.withLock { $0.address() }
        if let announced = announcement.address, announced != address {
            throw .digestMismatch(announced: announced, actual: address)
        }
        if Self.isSmall(announcement.size) {
            try staging.withLock { staging throws(StoreError) in staging = try vault.stage(announcement.size) }
        }
        try write(intake.gathered)
        let start = ContinuousClock.now
        try staging.withLock { staging throws(StoreError) in try staging?.finish() }
        vault.meters.fileSyncs.record(ContinuousClock.now - start)
        return (address, intake.rule.received)
    }

    // MARK: Name and row

    /// The file is ready and the lock is held: row and name in one batch.
    private func makeDurable(
        _ address: BlobAddress, size: Int64, _ completion: @escaping @Sendable (Result<StoredBlob, StoreError>) -> Void
    ) {
        let (vault, terms) = (vault, announcement.terms)
        let record = { @Sendable (writer: CatalogWriter, now: Timestamp) throws -> (StoredBlob, hasName: Bool) in
            let blob = try vault.record(writer, upload: address, size: size, terms: terms, now: now)
            if blob.isNew { try self.name(address) }
            return (blob, hasName: blob.isNew)
        }
        vault.committer.perform(record, completion: completion)
    }

    /// Gives the file its name, unless it has it from an attempt that met a full disk.
    private func name(_ address: BlobAddress) throws(StoreError) {
        let path = vault.disk.layout.blob(address)
        try isNamed.withLock { isNamed throws(StoreError) in
            if isNamed { return }
            try staging.withLock { staging throws(StoreError) in
                guard let current = staging.take() else { throw StoreError.isOver }
                try current.place(at: path)
            }
            isNamed = true
        }
    }
}

extension StoreError {
    /// Something was asked of an upload that has ended.
    fileprivate static let isOver = StoreError.unavailable("the upload is over")
}

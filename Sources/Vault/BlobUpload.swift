import Blobs
import Catalog
import DiskStore
import Files
import Synchronization

/// One upload on its way into a vault: it hashes while it writes, and owns its staged file and its share of the disk.
final class BlobUpload: UploadSession {
    /// Small pieces are gathered until so many bytes are worth a write.
    static let bufferBytes = 128 << 10

    /// What an upload owns while it is under way.
    struct Work: ~Copyable, Sendable {
        var rule: UploadRule
        var file: StagedFile
        var reservation: Reservation
        var hasher = BlobHasher()
        var gathered: [UInt8] = []

        init(rule: UploadRule, file: consuming StagedFile, reservation: consuming Reservation) {
            self.rule = rule
            self.file = file
            self.reservation = reservation
        }

        mutating func write(_ bytes: [UInt8]) throws(StoreError) {
            try reservation.prepare(for: Int64(bytes.count))
            hasher.update(bytes)
            try storeErrors { () throws(FileError) in try file.write(bytes) }
            reservation.wrote(Int64(bytes.count))
        }

        mutating func flush() throws(StoreError) {
            guard !gathered.isEmpty else { return }
            try write(gathered)
            gathered.removeAll(keepingCapacity: true)
        }

        mutating func finish() throws(StoreError) -> BlobAddress {
            try rule.finish()
            try flush()
            try storeErrors { () throws(FileError) in try file.synchronize() }
            return hasher.address()
        }

        consuming func place(at path: String) throws(StoreError) {
            do { try file.place(at: path) } catch { throw StoreError(error) }
        }
    }

    private let vault: Vault
    private let announcement: UploadAnnouncement
    private let work: Mutex<Work?>
    /// Whether this upload's own file got the name.
    private let isNew = Mutex(false)

    init(vault: Vault, announcement: UploadAnnouncement, work: consuming Work) {
        self.vault = vault
        self.announcement = announcement
        self.work = Mutex(work)
    }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        do throws(StoreError) {
            guard try take(bytes) else { return }
            try await vault.workers.run { () throws(StoreError) in try self.write(bytes) }
        } catch {
            await abandon()
            throw error
        }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        do throws(StoreError) {
            let (address, size) = try await vault.workers.run { () throws(StoreError) in try self.finish() }
            return try await vault.locks.withLock(address) { () async throws(StoreError) in
                try await self.makeDurable(address, size: size)
            }
        } catch {
            await abandon()
            throw error
        }
    }

    func abandon() async {
        // Closing and unlinking can block; once the threads are gone this task does it itself.
        do { try await vault.workers.run { self.release() } } catch { release() }
    }

    private func release() {
        work.withLock { $0 = nil }
    }

    // MARK: Bytes

    /// Judges the bytes; tells whether they have to be written now rather than gathered.
    private func take(_ bytes: [UInt8]) throws(StoreError) -> Bool {
        try withWork { work throws(StoreError) in
            try work.rule.take(bytes)
            if work.gathered.count + bytes.count > Self.bufferBytes { return true }
            work.gathered += bytes
            return false
        }
    }

    private func write(_ bytes: [UInt8]) throws(StoreError) {
        try withWork { work throws(StoreError) in
            try work.flush()
            try work.write(bytes)
        }
    }

    private func finish() throws(StoreError) -> (BlobAddress, Int64) {
        let (address, size) = try withWork { work throws(StoreError) in (try work.finish(), work.rule.received) }
        if let announced = announcement.address, announced != address {
            throw .digestMismatch(announced: announced, actual: address)
        }
        return (address, size)
    }

    private func withWork<Value: Sendable>(
        _ body: (inout Work) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try work.withLock { work throws(StoreError) in
            guard var under = work.take() else { throw StoreError.unavailable("the upload is over") }
            // After a throw too the work stays until a thread that may block gives up its file.
            let result = Result { () throws(StoreError) in try body(&under) }
            work = consume under
            return try result.get()
        }
    }

    // MARK: Name and row

    /// The file is synced and the lock is held: name, then row.
    private func makeDurable(_ address: BlobAddress, size: Int64) async throws(StoreError) -> StoredBlob {
        let vault = vault
        let terms = announcement.terms
        return try await vault.committer.perform { () throws(StoreError) in
            try self.name(address, size: size)
        } record: { writer, now in
            let lease = try vault.record(writer, address: address, size: size, terms: terms, now: now)
            return StoredBlob(
                address: address, size: size, isNew: self.isNew.withLock { $0 }, uploaded: lease.created,
                expires: lease.expires)
        }
    }

    /// Gives the file its name, unless the blob is held whole already; tells whether there is a name to sync.
    private func name(_ address: BlobAddress, size: Int64) throws(StoreError) -> Bool {
        if try vault.holds(address, size: size, for: announcement.terms) {
            release()
            return false
        }
        let path = vault.disk.layout.blob(address)
        try work.withLock { work throws(StoreError) in
            guard let under = work.take() else { throw StoreError.unavailable("the upload is over") }
            try under.place(at: path)
        }
        isNew.withLock { $0 = true }
        return true
    }
}

import BlobFiles
import Blobs
import Files
import Store
import StoreParts
import StoreRules
import Synchronization
import Telemetry

/// Takes the bytes of one upload to its staged file: checks them as they arrive, gathers them into pieces, and hashes and
/// writes each piece on two threads while the next one arrives. Owns the file, and the request's place among the others.
/// Used by one task at a time.
///
/// An upload announced as small has no file at first: it is kept in memory, and verified before anything is written.
final class UploadWriter: Sendable {
    /// The largest upload that is kept in memory until its end.
    static let gatherBytes = Int(StagedFile.smallBytes)

    private struct Digests {
        /// Nil if an earlier process received the first bytes, until they are read from the file.
        var blob: BlobHasher?
        var checksum: ChecksumHasher?

        mutating func update(_ pieces: [[UInt8]]) {
            for piece in pieces {
                blob?.update(piece)
                checksum?.update(piece)
            }
        }
    }

    private struct Staged: ~Copyable {
        /// Nil before a small upload is written, and after the file was placed or closed.
        var file: StagedFile?
        /// Whether the whole upload is in it, verified and synced.
        var isWhole = false
        var isPlaced = false
    }

    let announcement: UploadAnnouncement
    let slot: UploadSlot
    /// The number of its request among those in progress.
    private let request: Int
    /// The checksum that the bytes of this request must have.
    let checksum: UploadChecksum?
    /// Whether the upload is kept in memory until its end.
    let gathersAll: Bool
    private let vault: Vault
    private let intake: ByteIntake
    private let digests: Mutex<Digests>
    private let staged: Mutex<Staged>

    /// - Parameters:
    ///   - gathersAll: for an upload announced as small.
    ///   - file: nil where it is made later.
    ///   - hasher: the digest of the bytes in the file; nil if they have to be read again.
    init(
        _ announcement: UploadAnnouncement, _ slot: UploadSlot, request: Int, rule: UploadRule,
        gathersAll: Bool = false, file: consuming StagedFile? = nil, hasher: BlobHasher? = BlobHasher(),
        checksum: UploadChecksum? = nil, in vault: Vault
    ) {
        self.announcement = announcement
        self.slot = slot
        self.request = request
        self.checksum = checksum
        self.gathersAll = gathersAll
        self.vault = vault
        intake = ByteIntake(rule, threads: vault.workers)
        digests = Mutex(Digests(blob: hasher, checksum: checksum.map { ChecksumHasher($0.algorithm) }))
        staged = Mutex(Staged(file: file))
        vault.meters.openUploads.add(1)
    }

    deinit {
        leavePlace()
        vault.meters.openUploads.add(-1)
    }

    /// From now on its place can be taken; `ending` ends the request then.
    func offerPlace(ending: @escaping @Sendable () async -> Void) {
        vault.uploads.offer(request, now: vault.time.now, ending: ending)
    }

    /// All bytes are there: from now on its place cannot be taken. False where it was.
    @discardableResult
    func holdPlace() -> Bool { vault.uploads.hold(request) }

    func leavePlace() { vault.uploads.leave(request) }

    // MARK: While bytes come

    /// Bytes received, including those of earlier requests.
    var received: Int64 { intake.received }

    /// Takes the next bytes. Throws if they are refused, if earlier ones could not be written, or if the request has lost
    /// its place.
    func append(_ bytes: [UInt8]) async throws(StoreError) {
        guard vault.uploads.note(request, of: slot.id, now: vault.time.now) else { throw StoreError.noPlaceInProgress }
        try intake.judge(bytes)
        if !intake.gather(bytes) || gathersAll { return }
        try await drain()
        let pieces = try intake.pass()
        intake.start { () throws(StoreError) in self.digests.withLock { $0.update(pieces) } }
        intake.start { () throws(StoreError) in try self.write(pieces) }
    }

    /// Waits until nothing is being hashed or written. Throws if anything could not be written.
    func drain() async throws(StoreError) { try await intake.drain() }

    // MARK: Steps that block

    /// Hashes what was gathered last and verifies the request's checksum. Returns the pieces that are left to write.
    func hashRest() throws(StoreError) -> [[UInt8]] {
        let rest = try intake.pass()
        let isRight = digests.withLock { digests in
            digests.update(rest)
            guard let checksum else { return true }
            return digests.checksum?.matches(checksum) ?? false
        }
        guard isRight else { throw .wrongChecksum }
        return rest
    }

    /// Checks the length, hashes the rest, and returns the address of the whole with the pieces that are left to write.
    func hashWhole() throws(StoreError) -> (address: BlobAddress, rest: [[UInt8]]) {
        try intake.finish()
        try hashFile()
        let rest = try hashRest()
        guard let address = digests.withLock({ $0.blob?.address() }) else { throw .uploadIsOver }
        return (address, rest)
    }

    /// Hashes what an earlier process received, if the digest of that is not known.
    private func hashFile() throws(StoreError) {
        if digests.withLock({ $0.blob != nil }) { return }
        let hasher = try onFile { file throws(FileError) in try file.hasher() }
        digests.withLock { $0.blob = hasher }
    }

    /// Gives the upload its file: a small one when all of it is here and verified.
    func begin(_ file: consuming StagedFile) {
        var new: StagedFile? = file
        staged.withLock { $0.file = new.take() }
    }

    /// Appends pieces to the file.
    func write(_ pieces: [[UInt8]]) throws(StoreError) {
        try staged.withLock { staged throws(StoreError) in
            guard staged.file != nil else { throw StoreError.uploadIsOver }
            for piece in pieces {
                let count = Int64(piece.count)
                try slot.prepare(for: count) { size, others throws(StoreError) in
                    try vault.judge(announcement, size: size, bytesUnderWay: others)
                }
                do throws(FileError) { try staged.file?.write(piece) } catch { throw StoreError(error) }
                slot.wrote(count)
            }
        }
    }

    /// Makes what was written durable, unless the sync of the file's name will.
    func synchronize(isWhole: Bool = false) throws(StoreError) {
        let start = ContinuousClock.now
        try staged.withLock { staged throws(StoreError) in
            guard staged.file != nil else { throw StoreError.uploadIsOver }
            do throws(FileError) { try staged.file?.flush() } catch { throw StoreError(error) }
            staged.isWhole = isWhole
        }
        vault.meters.fileSyncs.record(ContinuousClock.now - start)
    }

    /// Whether the whole upload is on the disk, verified and synced: only name and rows are missing.
    var isWhole: Bool { staged.withLock { $0.isWhole } }

    /// Gives the file its name, unless an attempt that met a full disk did so before.
    func place(as address: BlobAddress) throws(StoreError) {
        try staged.withLock { staged throws(StoreError) in
            if staged.isPlaced { return }
            guard let file = staged.file.take() else { throw StoreError.uploadIsOver }
            do throws(FileError) { try file.place(as: address) } catch { throw StoreError(error) }
            staged.isPlaced = true
        }
    }

    /// Truncates the file to its first `count` bytes.
    func cut(to count: Int64) throws(StoreError) {
        try onFile { file throws(FileError) in try file.cut(to: count) }
    }

    /// From now on the file stays in staging when it is closed.
    func keepFile() throws(StoreError) {
        try onFile { file throws(FileError) in file.keep() }
    }

    private func onFile<Value: Sendable>(
        _ body: (inout StagedFile) throws(FileError) -> Value
    ) throws(StoreError) -> Value {
        try staged.withLock { staged throws(StoreError) in
            guard var file = staged.file.take() else { throw StoreError.uploadIsOver }
            let result = Result { () throws(FileError) in try body(&file) }
            staged.file = consume file
            return try result.mapError { StoreError($0) }.get()
        }
    }

    /// Closes the file, drops what is in memory, and frees the request's place. Returns the digest, as far as it is known.
    @discardableResult
    func release() -> BlobHasher? {
        leavePlace()
        intake.end()
        staged.withLock { $0.file = nil }
        return digests.withLock { $0.blob.take() }
    }

    /// The same on a thread that may block; on this one if the store has closed.
    @discardableResult
    func close() async -> BlobHasher? {
        do { return try await vault.workers.run { self.release() } } catch { return release() }
    }
}

import BlobFiles
import Blobs
import Files
package import Store
import StoreParts
import StoreRules
import Synchronization

extension Vault {
    package func preflight(_ announcement: UploadAnnouncement) async throws(StoreError) {
        let (writer, before) = try admitUnseen(announcement, isQuestion: true)
        defer {
            writer.release()
            writer.slot.giveBack()
        }
        try await workers.run { () throws(StoreError) in
            try self.judge(announcement, size: announcement.size, bytesUnderWay: before.bytes)
            try self.reserveDisk(announcement.size, for: announcement.terms, writer.slot)
        }
    }

    package func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession {
        let isSmall = announcement.size.map { $0 <= UploadWriter.gatherBytes } ?? false
        let (writer, before) = try admitUnseen(announcement, isSmall: isSmall)
        // Gives everything back when it goes.
        let session = PlainUpload(writer, in: self)
        // So few bytes are on their way already: catalog and disk are asked once, when all of them are here.
        if isSmall { return session }
        try await workers.run { () throws(StoreError) in
            try self.judge(announcement, size: announcement.size, bytesUnderWay: before.bytes)
            writer.begin(try self.stage(announcement.size, for: announcement.terms, writer.slot))
        }
        return session
    }

    /// Reserves space for `size` bytes, if they are announced, and makes a file for them, which for a resumable upload is
    /// named by its id. The rows of a lease on `terms` must have room beside it.
    func stage(_ size: Int64?, for terms: LeaseTerms, _ slot: UploadSlot) throws(StoreError) -> StagedFile {
        try reserveDisk(size, for: terms, slot)
        return try storeErrors { () throws(FileError) in
            if let id = slot.id { try files.stage(for: id) } else { try files.stage() }
        }
    }

    private func reserveDisk(_ size: Int64?, for terms: LeaseTerms, _ slot: UploadSlot) throws(StoreError) {
        guard let size else { return try checkRoom(forRowsOf: terms) }
        try slot.reserveDisk(size, rowBytes: terms.rowBytes)
    }

    /// Throws `.diskFull` where the disk has no space for the rows of a lease on these terms beside what is reserved. They
    /// are few, and the bytes of an upload may take long, so none is reserved for them.
    func checkRoom(forRowsOf terms: LeaseTerms) throws(StoreError) {
        let bytes = terms.rowBytes
        try uploads.disk.reserve(bytes)
        uploads.disk.adjust(by: -bytes)
    }

    // MARK: Admission

    /// Refuses what can be refused without asking catalog or disk, and lets the upload in: no more of them wait for a thread
    /// than may be in progress. Returns the writer for its first bytes, with the share of the subject's other uploads,
    /// which is taken before the catalog is read, so that an upload that ends in between is counted twice
    /// rather than not at all.
    func admitUnseen(
        _ announcement: UploadAnnouncement, isSmall: Bool = false, keeping id: UploadID? = nil, isQuestion: Bool = false
    ) throws(StoreError) -> (UploadWriter, before: UploadTable.Share) {
        if let reason = health.suspension { throw .unavailable(reason) }
        _ = try leaseLimits.lifetime(for: announcement.terms)
        let rule = try UploadRule(announcement, settings: settings.store)
        let (slot, request, before) = try UploadSlot.enter(
            announcement, isSmall: isSmall, keeping: id, isQuestion: isQuestion, in: uploads)
        let writer = UploadWriter(
            announcement, slot, request: request, rule: rule, gathersAll: isSmall, in: self)
        return (writer, before)
    }

    /// Throws if the lease for an upload of `size` bytes would be refused now.
    func judge(
        _ announcement: UploadAnnouncement, size: Int64?, bytesUnderWay: Int64, uploadsUnderWay: Int? = nil
    ) throws(StoreError) {
        try judge(
            AdmitLease(
                address: announcement.address, size: size, terms: announcement.terms, bytesUnderWay: bytesUnderWay,
                uploadsUnderWay: uploadsUnderWay, limits: leaseLimits))
    }
}

/// An upload in one request: it has no row before it is committed, and nothing is left of it otherwise.
private final class PlainUpload: UploadSession {
    private let vault: Vault
    private let writer: UploadWriter
    /// Whether its place went to another request.
    private let hasLostPlace = Atomic(false)

    init(_ writer: UploadWriter, in vault: Vault) {
        self.vault = vault
        self.writer = writer
        writer.offerPlace { [weak self] in await self?.losePlace() }
    }

    deinit { writer.slot.giveBack() }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        do throws(StoreError) { try await writer.append(bytes) } catch { throw await end(error) }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        do throws(StoreError) {
            guard writer.holdPlace() else { throw StoreError.noPlaceInProgress }
            let blob = try await vault.commit(writer)
            // The bytes were held already, so this upload's own file was not placed.
            if !blob.isNew { await writer.close() }
            writer.leavePlace()
            writer.slot.giveBack()
            return blob
        } catch {
            throw await end(error)
        }
    }

    func abandon() async {
        await writer.close()
        writer.slot.giveBack()
    }

    private func losePlace() async {
        hasLostPlace.store(true, ordering: .relaxed)
        await abandon()
    }

    /// Ends it, and returns why: what fails behind the loss of its place fails because of that.
    private func end(_ error: StoreError) async -> StoreError {
        await abandon()
        return hasLostPlace.load(ordering: .relaxed) ? .noPlaceInProgress : error
    }
}

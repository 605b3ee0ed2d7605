import BlobFiles
import Blobs
import Catalog
import Files
package import Store

extension Vault {
    package func preflight(_ announcement: UploadAnnouncement) async throws(StoreError) {
        let (_, slot) = try admitUnseen(announcement)
        defer { slot.giveBack() }
        try await workers.run { () throws(StoreError) in
            try self.admit(announcement, slot)
            try slot.reserveDisk(announcement.size)
        }
    }

    package func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession {
        let (rule, slot) = try admitUnseen(announcement)
        if let size = announcement.size, size <= UploadWriter.gatherBytes {
            // So few bytes are on their way already: catalogue and disk are asked once, when all of them are here.
            return PlainUpload(announcement, writer(slot, rule, file: nil), in: self)
        }
        do throws(StoreError) {
            let writer = try await workers.run { () throws(StoreError) in
                try self.admit(announcement, slot)
                return self.writer(slot, rule, file: try self.stage(announcement.size, slot))
            }
            return PlainUpload(announcement, writer, in: self)
        } catch {
            slot.giveBack()
            throw error
        }
    }

    /// A writer for the first bytes of an upload.
    func writer(_ slot: UploadSlot, _ rule: UploadRule, file: consuming StagedFile?) -> UploadWriter {
        UploadWriter(slot, rule: rule, file: file, workers: workers, meters: meters)
    }

    /// Reserves space for `size` bytes and makes a file for them, which for a resumable upload is named by its id.
    func stage(_ size: Int64?, _ slot: UploadSlot, for id: UploadID? = nil) throws(StoreError) -> StagedFile {
        try slot.reserveDisk(size)
        return try storeErrors { () throws(FileError) in
            if let id { try files.stage(for: id) } else { try files.stage() }
        }
    }

    // MARK: Admission

    /// Refuses what can be refused without asking catalogue or disk, and takes a slot. No more uploads wait for a thread
    /// than may be open.
    func admitUnseen(_ announcement: UploadAnnouncement) throws(StoreError) -> (UploadRule, UploadSlot) {
        let terms = announcement.terms
        if let reason = health.suspension { throw .unavailable(reason) }
        _ = try LeaseRule.lifetime(terms, limits: settings)
        let rule = try UploadRule(announced: announcement.size, settings: settings)
        return (rule, try UploadSlot(terms.subject, size: announcement.size, in: uploads))
    }

    /// Refuses what else can be refused before the first byte, except for a full disk. The slot is taken before the
    /// catalogue is read, so that an upload that ends in between is counted twice rather than not at all.
    func admit(_ announcement: UploadAnnouncement, _ slot: UploadSlot) throws(StoreError) {
        try judge(announcement, size: announcement.size, bytesUnderWay: slot.before.bytes)
    }

    /// Throws if the lease for an upload of `size` bytes would be refused now.
    func judge(
        _ announcement: UploadAnnouncement, size: Int64?, bytesUnderWay: Int64
    ) throws(StoreError) {
        let facts = try slot.read {
            try LeaseFacts(
                $0, address: announcement.address, size: size, terms: announcement.terms,
                bytesUnderWay: bytesUnderWay, limits: settings)
        }
        try refuse(facts, terms: announcement.terms)
    }

    /// Throws if the lease that `terms` name would be refused now.
    func refuse(_ facts: LeaseFacts, terms: LeaseTerms) throws(StoreError) {
        if case .refuse(let error) = LeaseRule.decide(facts, terms: terms, limits: settings, now: time.now) {
            throw error
        }
    }

    // MARK: Rows

    /// Judges an upload whose bytes are all here and writes its rows. If the result is new, its file must get its name
    /// before this is committed.
    func record(
        _ writer: CatalogWriter, upload address: BlobAddress, size: Int64, terms: LeaseTerms, now: Timestamp
    ) throws -> StoredBlob {
        let row = try writer.reader.blob(address)
        let isHeld = try holds(row, size: size)
        let lease = try record(writer, address: address, blob: row, size: size, terms: terms, now: now)
        return StoredBlob(
            address: address, size: size, isNew: !isHeld, uploaded: lease.created, expires: lease.expires)
    }

    /// Marks the blob as held, under the lease that was asked for. Returns the lease's beginning and end, and whether it
    /// is a new one.
    func record(
        _ writer: CatalogWriter, address: BlobAddress, blob: BlobRow?, size: Int64, terms: LeaseTerms, now: Timestamp
    ) throws -> (created: Timestamp, expires: Timestamp, isNew: Bool) {
        let facts = try LeaseFacts(
            writer.reader, address: address, blob: blob, size: size, terms: terms, limits: settings)
        let id = try writer.hold(address, size: size, now: now)
        switch LeaseRule.decide(facts, terms: terms, limits: settings, now: now) {
        case .refuse(let error): throw error
        case .keep(let lease): return (lease.created, lease.expires, false)
        case .add(let former):
            if let former, let end = former.end(at: now) { try writer.endLease(former, reason: end, at: now) }
            let expires = now.advanced(by: try LeaseRule.lifetime(terms, limits: settings))
            try writer.addLease(
                on: id, size: size, terms: terms, limit: LeaseRule.longestLifetime(terms, limits: settings),
                created: now, expires: expires)
            return (now, expires, true)
        }
    }
}

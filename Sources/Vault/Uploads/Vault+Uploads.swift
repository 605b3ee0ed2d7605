import BlobFiles
import Blobs
import Files
package import Store
import StoreRules

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
        _ = try LeaseRule.lifetime(terms, limits: settings.leaseLimits)
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
        try judge(
            AdmitLease(
                address: announcement.address, size: size, terms: announcement.terms, bytesUnderWay: bytesUnderWay,
                limits: settings.leaseLimits))
    }
}

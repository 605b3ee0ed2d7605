import BlobFiles
import Blobs
import DiskStore
import Files
package import Store
import StoreRules

extension Vault {
    package func preflight(_ announcement: UploadAnnouncement) async throws(StoreError) {
        let (_, place) = try admitUnseen(announcement)
        try await workers.run { () throws(StoreError) in
            try self.admit(announcement, at: place)
            _ = try Reservation(announcement.size, from: self.ledger)
        }
    }

    package func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession {
        let (rule, place) = try admitUnseen(announcement)
        if BlobUpload.isSmall(announcement.size) {
            // So few bytes are on their way already. What catalogue and disk say is heard once, when they are there.
            return BlobUpload(vault: self, announcement: announcement, rule: rule, place: place, staging: nil)
        }
        return try await workers.run { () throws(StoreError) in
            try self.admit(announcement, at: place)
            let staging = try self.stage(announcement.size)
            return BlobUpload(vault: self, announcement: announcement, rule: rule, place: place, staging: staging)
        }
    }

    /// Takes room for `size` bytes and a file to write them to.
    func stage(_ size: Int64?) throws(StoreError) -> Staging {
        let reservation = try Reservation(size, from: ledger)
        do { return Staging(file: try disk.files.stage(), reservation: reservation) } catch { throw StoreError(error) }
    }

    /// The same for an upload that outlives its requests.
    func stage(_ size: Int64?, for id: UploadID) throws(StoreError) -> Staging {
        let reservation = try Reservation(size, from: ledger)
        do { return Staging(file: try disk.files.stage(for: id), reservation: reservation) } catch {
            throw StoreError(error)
        }
    }

    /// What can be refused without asking catalogue or disk: at once, whatever the threads are at, so that no more uploads
    /// wait for them than may be open.
    func admitUnseen(_ announcement: UploadAnnouncement) throws(StoreError) -> (UploadRule, UploadPlace) {
        let terms = announcement.terms
        if let reason = health.suspension { throw .unavailable(reason) }
        _ = try LeaseRule.lifetime(terms, limits: settings.leaseLimits)
        let rule = try UploadRule(announced: announcement.size, settings: settings)
        let charge = Usage.bytes(for: announcement.size ?? 0)
        return (rule, try UploadPlace(terms.subject, bytes: charge, in: uploads))
    }

    /// What else can be refused before the first byte, but for room on the disk. The place must have been taken before the
    /// catalogue is read: an upload that ends in between is counted in both, none in neither.
    func admit(_ announcement: UploadAnnouncement, at place: UploadPlace) throws(StoreError) {
        try judge(
            AdmitLease(
                address: announcement.address, size: announcement.size, terms: announcement.terms,
                bytesUnderWay: place.before.bytes, limits: settings.leaseLimits))
    }
}

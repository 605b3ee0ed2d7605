import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
package import Store

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
        _ = try LeaseRule.lifetime(terms, limits: settings)
        let rule = try UploadRule(announced: announcement.size, settings: settings)
        let charge = Charge.bytes(for: announcement.size ?? 0)
        return (rule, try UploadPlace(terms.subject, bytes: charge, in: uploads))
    }

    /// What else can be refused before the first byte, but for room on the disk. The place must have been taken before the
    /// catalogue is read: an upload that ends in between is counted in both, none in neither.
    func admit(_ announcement: UploadAnnouncement, at place: UploadPlace) throws(StoreError) {
        let facts = try slot.read {
            try LeaseFacts(
                $0, address: announcement.address, size: announcement.size, terms: announcement.terms,
                bytesUnderWay: place.before.bytes, limits: settings)
        }
        try refuse(facts, terms: announcement.terms)
    }

    /// Throws if the lease that `terms` name would be refused now.
    func refuse(_ facts: LeaseFacts, terms: LeaseTerms) throws(StoreError) {
        if case .refuse(let error) = LeaseRule.decide(facts, terms: terms, limits: settings, now: time.now) {
            throw error
        }
    }

    /// Judges an upload whose bytes are all there and writes its rows. Where the blob is not held already, its file must
    /// get its name before this is committed.
    func record(
        _ writer: CatalogWriter, upload address: BlobAddress, size: Int64, terms: LeaseTerms, now: Timestamp
    ) throws -> StoredBlob {
        let row = try writer.reader.blob(address)
        let isHeld = try holds(row, size: size)
        let lease = try record(writer, address: address, blob: row, size: size, terms: terms, now: now)
        return StoredBlob(
            address: address, size: size, isNew: !isHeld, uploaded: lease.created, expires: lease.expires)
    }

    /// Writes that the blob of row `blob`, or without one a new blob, is held, under the lease that was asked for. Gives
    /// the lease's beginning and end, and whether it was made.
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

package import Blobs
import Catalog
import DiskStore
import Files

extension Vault {
    package func preflight(_ announcement: UploadAnnouncement) async throws(StoreError) {
        try await workers.run { () throws(StoreError) in
            _ = try self.admit(announcement)
            _ = try Reservation(announcement.size, from: self.ledger)
        }
    }

    package func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession {
        try await workers.run { () throws(StoreError) in
            let rule = try self.admit(announcement)
            let reservation = try Reservation(announcement.size, from: self.ledger)
            do throws(FileError) {
                let work = BlobUpload.Work(rule: rule, file: try self.disk.stage(), reservation: reservation)
                return BlobUpload(vault: self, announcement: announcement, work: work)
            } catch {
                throw StoreError(error)
            }
        }
    }

    /// Everything that can be refused before the first byte, but for room on the disk.
    private func admit(_ announcement: UploadAnnouncement) throws(StoreError) -> UploadRule {
        if let reason = health.suspension { throw .unavailable(reason) }
        _ = try LeaseRule.lifetime(announcement.terms, limits: settings)
        let rule = try UploadRule(announced: announcement.size, settings: settings)
        let facts = try slot.read {
            try LeaseFacts(
                $0, address: announcement.address, size: announcement.size, terms: announcement.terms, limits: settings)
        }
        try refuse(facts, terms: announcement.terms)
        return rule
    }

    /// Throws if the lease that `terms` name would be refused now.
    func refuse(_ facts: LeaseFacts, terms: LeaseTerms) throws(StoreError) {
        if case .refuse(let error) = LeaseRule.decide(facts, terms: terms, limits: settings, now: time.now) {
            throw error
        }
    }

    /// Writes the rows of a blob whose file is in place and whose name is synced: held, and the lease that was asked
    /// for. Gives the lease's beginning and end, and whether it was made.
    func record(
        _ writer: CatalogWriter, address: BlobAddress, size: Int64, terms: LeaseTerms, now: Timestamp
    ) throws -> (created: Timestamp, expires: Timestamp, isNew: Bool) {
        let blob = try writer.hold(address, size: size, now: now)
        let facts = try LeaseFacts(writer.reader, address: address, size: size, terms: terms, limits: settings)
        switch LeaseRule.decide(facts, terms: terms, limits: settings, now: now) {
        case .refuse(let error): throw error
        case .keep(let lease): return (lease.created, lease.expires, false)
        case .add(let former):
            if let former, let end = former.end(at: now) { try writer.endLease(former, reason: end, at: now) }
            let expires = now.advanced(by: try LeaseRule.lifetime(terms, limits: settings))
            try writer.addLease(
                on: blob, size: size, terms: terms, limit: LeaseRule.longestLifetime(terms, limits: settings),
                created: now, expires: expires)
            return (now, expires, true)
        }
    }
}

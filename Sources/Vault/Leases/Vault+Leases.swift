import BlobFiles
package import Blobs
import Catalog
package import Store
import StoreParts
import StoreRules

extension Vault {
    package func lease(on address: BlobAddress, owner: Secret) async throws(StoreError) -> Lease {
        let now = time.now
        let (blob, lease, receipts) = try await namedLease(on: address, owner: owner.hash, at: now)
        let state: Lease.State =
            if let end = lease.end(at: now) { .ended(end) } else { blob.state == .damaged ? .damaged : .held }
        return Lease(
            address: address, size: blob.size, state: state, created: lease.created, expires: lease.expires,
            recipients: lease.recipients, received: receipts)
    }

    package func revoke(on address: BlobAddress, owner: Secret) async throws(StoreError) {
        let hash = owner.hash
        let now = time.now
        // A look first: what has ended costs no sync.
        if try await namedLease(on: address, owner: hash, at: now).lease.end(at: now) != nil { return }
        try await locks.withLock(address) { () async throws(StoreError) in
            try await make(RevokeLease(on: address, owner: hash))
        }
    }

    package func renew(
        on address: BlobAddress, owner: Secret, terms: RenewalTerms
    ) async throws(StoreError) -> Lease {
        let change = RenewLease(on: address, owner: owner.hash, terms: terms, standard: settings.defaultLifetime)
        _ = try await workers.run { () throws(StoreError) in try self.judge(change) }
        _ = try await make(change)
        return try await lease(on: address, owner: owner)
    }

    package func addLease(on address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob {
        // Nothing is removed under the lock, so the file that is seen is there when the lease is.
        try await locks.withLock(address) { () async throws(StoreError) in
            let limits = leaseLimits
            let change = try await workers.run { () throws(StoreError) in
                let size = try self.fileSize(of: address)
                let change = AddLease(
                    address: address, terms: terms, bytesUnderWay: self.uploads.share(of: terms.subject).judged,
                    limits: limits, bytes: .file(size))
                _ = try self.judge(change)
                return change
            }
            return try await withRoom(forRows: terms.rowBytes) { () async throws(StoreError) in
                try await make(change)
            }
        }
    }

    package func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError) {
        let change = ConfirmDelivery(
            DeliveryKey(address: address, hash: secret.hash, recipient: recipient), sharedGrace: settings.deliveryGrace)
        // A look first: people's devices repeat themselves, and a commit costs a sync.
        switch try await workers.run({ () throws(StoreError) in try self.judge(change) }) {
        case .pass: return
        // The last one lets the blob go, which a full disk needs.
        case .complete: _ = try await make(change)
        case .note:
            try await withRoom(forRows: DeliveryRule.rowBytes) { () async throws(StoreError) in
                _ = try await make(change)
            }
        }
    }

    /// Runs `body` while `bytes` of the disk are promised to rows that it adds to the catalog, which uploads do not get
    /// then. Throws `.diskFull` where they are not there.
    private func withRoom<Value: Sendable>(
        forRows bytes: Int64, _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let disk = uploads.disk
        try await workers.run { () throws(StoreError) in try disk.reserve(bytes) }
        defer { disk.adjust(by: -bytes) }
        return try await body()
    }

    package func isBanned(_ address: BlobAddress) async throws(StoreError) -> Bool {
        try await read { try $0.isBanned(address) }
    }

    package func quotaUsage(of subject: String) async throws(StoreError) -> QuotaUsage {
        let (usage, day, nextEnd) = try await read { reader in
            (try reader.usage(of: subject), try reader.day(of: subject), try reader.nextEnd(ofSubject: subject))
        }
        let underWay = uploads.share(of: subject)
        let made = day.map { $0.end > time.now ? $0.made : 0 } ?? 0
        return QuotaUsage(
            bytes: usage.bytes, reservedBytes: underWay.bytes, limitBytes: settings.bytesPerSubject,
            leases: usage.leases, leaseLimit: settings.leasesPerSubject, leasesMade: made,
            leasesMadeLimit: settings.leasesPerSubjectAndDay, uploads: underWay.uploads,
            uploadLimit: settings.openUploadsPerSubject, nextEnd: nextEnd)
    }

    /// The lease that `owner` names, ended or not, with its blob and whoever has said "delivered"; throws what a stranger
    /// hears where there is none.
    private func namedLease(
        on address: BlobAddress, owner: SecretHash, at now: Timestamp
    ) async throws(StoreError) -> (blob: BlobRow, lease: LeaseRow, receipts: [Lease.Receipt]) {
        let (blob, lease, receipts) = try await read { reader in
            (
                try reader.blob(address), try reader.lease(on: address, owner: owner),
                try reader.receipts(on: address, owner: owner)
            )
        }
        guard let blob, let lease else { throw StoreError(strangerTo: blob, at: now) }
        return (blob, lease, receipts)
    }
}

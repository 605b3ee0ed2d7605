package import Blobs
import SharedCatalog
package import Store
import StoreParts
import StoreRules

extension SharedStore {
    package func lease(on address: BlobAddress, owner: Secret) async throws(StoreError) -> Lease {
        let (hash, now) = (owner.hash, now())
        let (blob, lease, receipts) = try await catalog.read { reader throws(SharedCatalogError) in
            (
                try reader.blob(address), try reader.lease(on: address, owner: hash),
                try reader.receipts(on: address, owner: hash)
            )
        }
        guard let blob, let lease else { throw StoreError(strangerTo: blob, at: now) }
        let state: Lease.State =
            if let end = lease.end(at: now) { .ended(end) } else { blob.state == .damaged ? .damaged : .held }
        return Lease(
            address: address, size: blob.size, state: state, created: lease.created, expires: lease.expires,
            recipients: lease.recipients, received: receipts)
    }

    package func revoke(on address: BlobAddress, owner: Secret) async throws(StoreError) {
        let (hash, now) = (owner.hash, now())
        // A look first: a stranger, and what has ended, costs no commit.
        let (blob, lease) = try await catalog.read { reader throws(SharedCatalogError) in
            (try reader.blob(address), try reader.lease(on: address, owner: hash))
        }
        guard blob != nil, let lease else { throw StoreError(strangerTo: blob, at: now) }
        guard lease.end(at: now) == nil else {
            // Another node may not have heard of it yet.
            if let ended = lease.ended, now.secondsSince(ended) <= Self.settlingSeconds { await ends.waitForOthers() }
            return
        }
        await ends.wait(for: try await make(RevokeLease(on: address, owner: hash)))
    }

    /// An end that is older than this has been heard of everywhere.
    private static let settlingSeconds: Int64 = 30

    package func renew(
        on address: BlobAddress, owner: Secret, terms: RenewalTerms
    ) async throws(StoreError) -> Lease {
        let renewed = try await make(
            RenewLease(on: address, owner: owner.hash, terms: terms, standard: settings.defaultLifetime))
        await ends.wait(for: renewed)
        return try await lease(on: address, owner: owner)
    }

    package func addLease(on address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob {
        let (limits, uploads, turns) = (leaseLimits, uploads, turns)
        return try await make {
            AddLease(
                address: address, terms: terms,
                bytesUnderWay: uploads.share(of: terms.subject).judged + turns.bytesTold(of: terms.subject),
                limits: limits, bytes: .asRecorded)
        } objects: { (_, _) throws(StoreError) in
        }.outcome
    }

    package func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError) {
        // The last one leaves the blob for some time yet, so nobody has to wait until all nodes have heard.
        _ = try await make(
            ConfirmDelivery(
                DeliveryKey(address: address, hash: secret.hash, recipient: recipient),
                sharedGrace: settings.deliveryGrace))
    }

    package func isBanned(_ address: BlobAddress) async throws(StoreError) -> Bool {
        try await catalog.read { reader throws(SharedCatalogError) in try reader.isBanned(address) }
    }

    package func quotaUsage(of subject: String) async throws(StoreError) -> QuotaUsage {
        let (usage, day, nextEnd, kept) = try await catalog.read { reader throws(SharedCatalogError) in
            (
                try reader.usage(of: subject), try reader.day(of: subject), try reader.nextEnd(ofSubject: subject),
                try reader.kept(of: subject)
            )
        }
        let underWay = uploads.share(of: subject)
        let made = day.map { $0.end > now() ? $0.made : 0 } ?? 0
        return QuotaUsage(
            bytes: usage.bytes, reservedBytes: underWay.bytes + kept.bytes + turns.bytesTold(of: subject),
            limitBytes: settings.bytesPerSubject, leases: usage.leases, leaseLimit: settings.leasesPerSubject,
            leasesMade: made, leasesMadeLimit: settings.leasesPerSubjectAndDay,
            uploads: underWay.uploads + kept.uploads, uploadLimit: settings.openUploadsPerSubject, nextEnd: nextEnd)
    }

    /// Bytes that uploads in one request on this node may still bring.
    package var promisedBytes: Int64 { uploads.disk.promisedBytes }
}

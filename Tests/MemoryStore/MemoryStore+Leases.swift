package import Blobs
package import Store
import StoreRules

extension MemoryStore {
    package func lease(on address: BlobAddress, owner: Secret) async throws(StoreError) -> Lease {
        let hash = owner.hash
        return try use { state, now throws(StoreError) in try state.lease(on: address, owner: hash, at: now) }
    }

    package func revoke(on address: BlobAddress, owner: Secret) async throws(StoreError) {
        let hash = owner.hash
        try use { state, now throws(StoreError) in
            _ = try state.lease(on: address, owner: hash, at: now)
            try state.commit(RevokeLease(on: address, owner: hash), at: now)
        }
    }

    package func renew(
        on address: BlobAddress, owner: Secret, lifetime: Lifetime?, subject: String?
    ) async throws(StoreError) -> Lease {
        let hash = owner.hash
        let standard = settings.limits.defaultLifetime
        return try use { state, now throws(StoreError) in
            _ = try state.lease(on: address, owner: hash, at: now)
            _ = try state.commit(
                RenewLease(on: address, owner: hash, lifetime: lifetime, subject: subject, standard: standard),
                at: now)
            return try state.lease(on: address, owner: hash, at: now)
        }
    }

    package func addLease(on address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob {
        try use { state, now throws(StoreError) in
            try state.commit(
                AddLease(
                    address: address, terms: terms, limits: settings.limits, fileSize: state.fileSize(address)),
                at: now)
        }
    }

    package func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError) {
        let key = DeliveryKey(address: address, hash: secret.hash, recipient: recipient)
        try use { state, now throws(StoreError) in
            let outcome = try state.commit(ConfirmDelivery(key, sharedGrace: settings.deliveryGrace), at: now)
            if outcome.leases == 0 { throw state.refusal(of: address, at: now) }
        }
    }

    package func quotaUsage(of subject: String) async throws(StoreError) -> QuotaUsage {
        try use { state, _ in
            let usage = state.catalog.usages[subject] ?? Usage()
            let underWay = state.share(of: subject)
            return QuotaUsage(
                bytes: usage.bytes, reservedBytes: underWay.bytes, limitBytes: settings.limits.bytesPerSubject,
                leases: usage.leases, leaseLimit: settings.limits.leasesPerSubject, uploads: underWay.uploads,
                uploadLimit: settings.openUploadsPerSubject,
                nextEnd: state.catalog.nextEnd { $0.subject == subject })
        }
    }
}

extension MemoryState {
    /// The lease that `owner` names, as it is now.
    fileprivate func lease(
        on address: BlobAddress, owner: SecretHash, at now: Timestamp
    ) throws(StoreError) -> Lease {
        guard let blob = catalog.blobs[address], let lease = catalog.lease(on: address, owner: owner) else {
            throw refusal(of: address, at: now)
        }
        let row = lease.row
        let state: Lease.State =
            if let end = row.end(at: now) { .ended(end) } else { blob.state == .damaged ? .damaged : .held }
        return Lease(
            address: address, size: blob.size, state: state, created: row.created, expires: row.expires,
            recipients: row.recipients, received: lease.receipts.map(\.receipt))
    }

    /// What somebody hears whose secret names no lease: what `find` would tell a stranger.
    fileprivate func refusal(of address: BlobAddress, at now: Timestamp) -> StoreError {
        guard let blob = catalog.blobs[address] else { return .notFound }
        return blob.end(at: now).map { .gone($0) } ?? .wrongSecret
    }
}

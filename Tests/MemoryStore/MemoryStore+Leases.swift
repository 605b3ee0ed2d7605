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
        on address: BlobAddress, owner: Secret, terms: RenewalTerms
    ) async throws(StoreError) -> Lease {
        let hash = owner.hash
        let standard = settings.limits.defaultLifetime
        return try use { state, now throws(StoreError) in
            _ = try state.lease(on: address, owner: hash, at: now)
            _ = try state.commit(RenewLease(on: address, owner: hash, terms: terms, standard: standard), at: now)
            return try state.lease(on: address, owner: hash, at: now)
        }
    }

    package func addLease(on address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob {
        try use { state, now throws(StoreError) in
            guard state.hasRoom(terms.rowBytes, settings) else { throw .diskFull }
            return try state.commit(
                AddLease(
                    address: address, terms: terms, bytesUnderWay: state.share(of: terms.subject).bytes,
                    limits: settings.limits, bytes: .file(state.fileSize(address))),
                at: now)
        }
    }

    package func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError) {
        let key = DeliveryKey(address: address, hash: secret.hash, recipient: recipient)
        try use { state, now throws(StoreError) in
            let change = ConfirmDelivery(key, sharedGrace: settings.deliveryGrace)
            switch try state.judge(change, at: now) {
            case .pass: return
            case .note where !state.hasRoom(DeliveryRule.rowBytes, settings): throw .diskFull
            case .note, .complete: _ = try state.commit(change, at: now)
            }
        }
    }

    package func isBanned(_ address: BlobAddress) async throws(StoreError) -> Bool {
        try use { state, _ in state.catalog.bans[address] != nil }
    }

    package func quotaUsage(of subject: String) async throws(StoreError) -> QuotaUsage {
        try use { state, now in
            let usage = state.catalog.usages[subject] ?? Usage()
            let made = state.catalog.days[subject].map { $0.end > now ? $0.made : 0 } ?? 0
            let underWay = state.share(of: subject)
            return QuotaUsage(
                bytes: usage.bytes, reservedBytes: underWay.bytes, limitBytes: settings.limits.bytesPerSubject,
                leases: usage.leases, leaseLimit: settings.limits.leasesPerSubject, leasesMade: made,
                leasesMadeLimit: settings.limits.leasesPerSubjectAndDay, uploads: underWay.uploads,
                uploadLimit: settings.openUploadsPerSubject,
                nextEnd: state.catalog.leases.values.filter { $0.row.subject == subject }.map(\.row.expires).min())
        }
    }
}

extension MemoryState {
    /// The lease that `owner` names, as it is now.
    fileprivate func lease(
        on address: BlobAddress, owner: SecretHash, at now: Timestamp
    ) throws(StoreError) -> Lease {
        guard let blob = catalog.blobs[address],
            let lease = catalog.leases.values.first(where: { $0.row.address == address && $0.row.owner == owner })
        else {
            throw StoreError(strangerTo: catalog.blobs[address], at: now)
        }
        let row = lease.row
        let state: Lease.State =
            if let end = row.end(at: now) { .ended(end) } else { blob.state == .damaged ? .damaged : .held }
        return Lease(
            address: address, size: blob.size, state: state, created: row.created, expires: row.expires,
            recipients: row.recipients,
            received: lease.receipts.map { Lease.Receipt(recipient: $0.recipient, at: $0.at) })
    }
}

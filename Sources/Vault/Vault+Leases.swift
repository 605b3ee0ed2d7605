package import Blobs
import Catalog

extension Vault {
    package func lease(on address: BlobAddress, owner: Secret) async throws(StoreError) -> Lease {
        let hash = owner.hash
        return try await workers.run { () throws(StoreError) in
            let (blob, row) = try self.namedLease(on: address, owner: hash)
            let received = try self.slot.read { try $0.receipts(of: row.id) }
            return Lease(
                address: address, size: blob.size, state: Self.state(of: row, on: blob, now: self.time.now),
                created: row.created, expires: row.expires, recipients: row.recipients, received: received)
        }
    }

    package func revoke(on address: BlobAddress, owner: Secret) async throws(StoreError) {
        let hash = owner.hash
        let (_, row) = try await workers.run { () throws(StoreError) in
            try self.namedLease(on: address, owner: hash)
        }
        if row.end(at: time.now) != nil { return }
        try await locks.withLock(address) { () async throws(StoreError) in
            try await committer.perform { writer, now in
                guard let lease = try writer.reader.lease(on: row.blob, owner: hash) else { return }
                if lease.end(at: now) == nil { try writer.endLease(lease, reason: .revoked, at: now) }
            }
        }
    }

    /// The lease that `owner` names, ended or not. Without one a stranger learns what `find` would tell.
    private func namedLease(
        on address: BlobAddress, owner: SecretHash
    ) throws(StoreError) -> (BlobRow, LeaseRow) {
        let found = try slot.read { reader -> (BlobRow, LeaseRow?)? in
            guard let blob = try reader.blob(address) else { return nil }
            return (blob, try reader.lease(on: blob.id, owner: owner))
        }
        guard let (blob, lease) = found else { throw .notFound }
        if let lease { return (blob, lease) }
        if let end = blob.end(at: time.now) { throw .gone(end) }
        throw .wrongSecret
    }

    private static func state(of lease: LeaseRow, on blob: BlobRow, now: Timestamp) -> Lease.State {
        if let end = lease.end(at: now) { return .ended(end) }
        return blob.state == .damaged ? .damaged : .held
    }
}

package import Blobs
import Catalog
package import Store

extension Vault {
    package func lease(on address: BlobAddress, owner: Secret) async throws(StoreError) -> Lease {
        let hash = owner.hash
        let (blob, row) = try await namedLease(on: address, owner: hash)
        let now = time.now
        return try await read { try Self.describe(row, on: blob, $0, now: now) }
    }

    package func revoke(on address: BlobAddress, owner: Secret) async throws(StoreError) {
        let hash = owner.hash
        let (_, row) = try await namedLease(on: address, owner: hash)
        if row.end(at: time.now) != nil { return }
        try await locks.withLock(address) { () async throws(StoreError) in
            try await write { writer, now in
                try writer.endDueLeases(on: row.blob, at: now)
                guard let lease = try writer.reader.lease(on: row.blob, owner: hash) else { return }
                if lease.end(at: now) == nil { try writer.endLease(lease, reason: .revoked, at: now) }
            }
        }
    }

    package func renew(
        on address: BlobAddress, owner: Secret, lifetime: Lifetime?, subject: String?
    ) async throws(StoreError) -> Lease {
        let hash = owner.hash
        let standard = settings.defaultLifetime
        let (blob, row) = try await namedLease(on: address, owner: hash)
        _ = try RenewalRule.end(of: row, lifetime: lifetime, subject: subject, standard: standard, now: time.now)
        return try await write { writer, now in
            guard let row = try writer.reader.lease(on: blob.id, owner: hash) else { throw StoreError.notFound }
            let end = try RenewalRule.end(of: row, lifetime: lifetime, subject: subject, standard: standard, now: now)
            try writer.renewLease(row, expires: end)
            let renewed = try writer.reader.lease(on: blob.id, owner: hash) ?? row
            return try Self.describe(renewed, on: blob, writer.reader, now: now)
        }
    }

    /// The lease that `owner` names, ended or not.
    private func namedLease(
        on address: BlobAddress, owner: SecretHash
    ) async throws(StoreError) -> (BlobRow, LeaseRow) {
        let (blob, lease) = try await read { reader -> (BlobRow?, LeaseRow?) in
            guard let blob = try reader.blob(address) else { return (nil, nil) }
            return (blob, try reader.lease(on: blob.id, owner: owner))
        }
        guard let blob, let lease else { throw refusal(of: blob) }
        return (blob, lease)
    }

    /// What somebody hears whose secret names no lease on a blob: what `find` would tell a stranger.
    func refusal(of blob: BlobRow?) -> StoreError {
        guard let blob else { return .notFound }
        return blob.end(at: time.now).map { .gone($0) } ?? .wrongSecret
    }

    private static func describe(
        _ lease: LeaseRow, on blob: BlobRow, _ reader: CatalogReader, now: Timestamp
    ) throws -> Lease {
        let state: Lease.State =
            if let end = lease.end(at: now) { .ended(end) } else { blob.state == .damaged ? .damaged : .held }
        return Lease(
            address: blob.address, size: blob.size, state: state, created: lease.created, expires: lease.expires,
            recipients: lease.recipients, received: try reader.receipts(of: lease.id))
    }
}

import Blobs
import Catalog
package import Store

extension Vault {
    package func quotaUsage(of subject: String) async throws(StoreError) -> QuotaUsage {
        let (charge, nextEnd) = try await read { reader in
            (try reader.charge(of: subject), try reader.nextEnd(ofSubject: subject))
        }
        let underWay = uploads.share(of: subject)
        return QuotaUsage(
            bytes: charge.bytes, reservedBytes: underWay.bytes, limitBytes: settings.bytesPerSubject,
            leases: charge.leases, leaseLimit: settings.leasesPerSubject, uploads: underWay.uploads,
            uploadLimit: settings.openUploadsPerSubject, nextEnd: nextEnd)
    }
}

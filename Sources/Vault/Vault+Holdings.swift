import Blobs
import Catalog
package import Store
import StoreRules

extension Vault {
    package func quotaUsage(of subject: String) async throws(StoreError) -> QuotaUsage {
        let (usage, nextEnd) = try await read { reader in
            (try reader.usage(of: subject), try reader.nextEnd(ofSubject: subject))
        }
        let underWay = uploads.share(of: subject)
        return QuotaUsage(
            bytes: usage.bytes, reservedBytes: underWay.bytes, limitBytes: settings.bytesPerSubject,
            leases: usage.leases, leaseLimit: settings.leasesPerSubject, uploads: underWay.uploads,
            uploadLimit: settings.openUploadsPerSubject, nextEnd: nextEnd)
    }
}

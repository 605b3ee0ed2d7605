import Blobs
import Store
import Vault

/// The name that somebody goes by to one blob: the same for the same seed.
func recipient(_ seed: Int) -> Recipient {
    guard let recipient = Recipient(bytes: content(seed &+ 7_000_000, count: Recipient.byteCount)) else {
        preconditionFailure("sixteen bytes are a recipient")
    }
    return recipient
}

/// So many seconds from a number that is at least 1.
func seconds(_ count: Int64) -> Lifetime {
    guard let lifetime = Lifetime(seconds: count) else { preconditionFailure("a lifetime is at least a second") }
    return lifetime
}

/// Terms for a group, as a test says them.
func terms(
    owner: Int? = nil, lifetime: Lifetime? = nil, recipients: Int? = nil, receipts: [Secret] = [],
    subject: String = "somebody"
) -> LeaseTerms {
    LeaseTerms(
        lifetime: lifetime, recipients: recipients, owner: owner.map { secret($0).hash },
        receipts: receipts.map(\.hash), subject: subject)
}

extension LeaseStore {
    /// Uploads `bytes` on these terms.
    @discardableResult
    func upload(_ bytes: [UInt8], on terms: LeaseTerms) async throws(StoreError) -> StoredBlob {
        let session = try await begin(
            UploadAnnouncement(size: Int64(bytes.count), address: address(of: bytes), terms: terms))
        try await session.append(bytes)
        return try await session.commit()
    }
}

package import Blobs

/// A store that takes blobs and keeps them for as long as somebody holds a lease.
package protocol LeaseStore: BlobStore {
    /// Returns if such an upload would be accepted now; else throws what `begin` would throw.
    func preflight(_ announcement: UploadAnnouncement) async throws(StoreError)

    /// Admits an upload and reserves its announced size on the disk. For one that is announced as small, a store may
    /// put off checks of the catalogue or the disk until the end, since its bytes are on their way already. The session
    /// owns a staged file and the reservation, and gives both back when it is released uncommitted.
    func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession

    /// The lease that `owner` names on `address`.
    /// Throws `.notFound` or `.gone` when there is no such blob (what `find` would find),
    /// `.wrongSecret` when it has but no lease of that owner.
    func lease(on address: BlobAddress, owner: Secret) async throws(StoreError) -> Lease

    /// Ends the lease that `owner` names on `address` as revoked; again, or after another end: no change, no error.
    /// Throws as `lease(on:owner:)`. When it returns the end is durable and the blob is served no more unless another
    /// lease holds it.
    func revoke(on address: BlobAddress, owner: Secret) async throws(StoreError)

    /// Moves the end of the lease that `owner` names on `address` to `lifetime` from now, later or earlier; without a
    /// lifetime to the default one from now, if that is later. Gives the lease as it is then.
    /// Throws as `lease(on:owner:)`; `.leaseEnded` for one that has ended, `.wrongSubject` where `subject` is given and
    /// the lease is another's, `.lifetimeTooLong` beyond what whoever made it was entitled to.
    func renew(
        on address: BlobAddress, owner: Secret, lifetime: Lifetime?, subject: String?
    ) async throws(StoreError) -> Lease

    /// Adds a lease to a blob that is held already, without its bytes; `isNew` if this owner had none.
    /// Throws what `find` would find, `.notFound`, `.gone` or `.damaged`, and what an upload with these terms would
    /// throw.
    func addLease(on address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob

    /// Notes that `recipient` has the blob, on every lease there that admits `secret`: live or ended, since an ended
    /// one can still tell its owner. Again: no change, no error. The last one expected ends its lease after a grace.
    /// Throws as `lease(on:owner:)` where no lease admits the secret.
    func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError)

    /// What `subject` uses and may use; nothing is used by one that is not known.
    func quotaUsage(of subject: String) async throws(StoreError) -> QuotaUsage
}

/// What is known about an upload before its first byte.
package struct UploadAnnouncement: Sendable {
    /// Bytes to come, if announced.
    package var size: Int64?
    /// The address that the bytes must have, if announced.
    package var address: BlobAddress?
    package var terms: LeaseTerms

    package init(size: Int64?, address: BlobAddress?, terms: LeaseTerms) {
        self.size = size
        self.address = address
        self.terms = terms
    }
}

/// One upload in progress. Used by one task at a time.
package protocol UploadSession: AnyObject, Sendable {
    /// Takes the next bytes. Throws `.notSealed` at the fourth byte, `.tooLarge` as soon as the size announced or
    /// allowed is passed, `.diskFull` and `.io` from the disk; after a throw the session is over and nothing stays.
    func append(_ bytes: [UInt8]) async throws(StoreError)

    /// Verifies length and address, makes bytes, name and lease durable, in that order, and only then returns.
    /// Afterwards the session is over, whatever the outcome.
    func commit() async throws(StoreError) -> StoredBlob

    /// Cancels the upload: staged bytes and reservation are given back. Does nothing once the session is over.
    func abandon() async
}

/// The result of a committed upload.
package struct StoredBlob: Sendable {
    package let address: BlobAddress
    /// Bytes of the blob.
    package let size: Int64
    /// False for an upload whose bytes were already held, whole and undamaged, and for a lease that its owner already
    /// had.
    package let isNew: Bool
    /// When this lease was created.
    package let uploaded: Timestamp
    /// This lease's end.
    package let expires: Timestamp

    package init(address: BlobAddress, size: Int64, isNew: Bool, uploaded: Timestamp, expires: Timestamp) {
        self.address = address
        self.size = size
        self.isNew = isNew
        self.uploaded = uploaded
        self.expires = expires
    }
}

/// What one subject uses and may use, at one moment.
package struct QuotaUsage: Hashable, Sendable {
    /// Bytes charged: max(size, 4096) for each lease that has not ended.
    package var bytes: Int64
    /// Bytes that uploads in progress will be charged.
    package var reservedBytes: Int64
    /// The limit on bytes; nil for none.
    package var limitBytes: Int64?
    package var leases: Int
    package var leaseLimit: Int
    package var uploads: Int
    package var uploadLimit: Int
    /// When the next of the leases ends; nil where there is none.
    package var nextEnd: Timestamp?

    package init(
        bytes: Int64, reservedBytes: Int64, limitBytes: Int64?, leases: Int, leaseLimit: Int, uploads: Int,
        uploadLimit: Int, nextEnd: Timestamp?
    ) {
        self.bytes = bytes
        self.reservedBytes = reservedBytes
        self.limitBytes = limitBytes
        self.leases = leases
        self.leaseLimit = leaseLimit
        self.uploads = uploads
        self.uploadLimit = uploadLimit
        self.nextEnd = nextEnd
    }
}

package import Blobs

/// A store that takes blobs and keeps them for as long as somebody holds a lease, and that keeps uploads from one request
/// to the next.
///
/// A resumable upload is open until its last byte has arrived, then full until it is committed or refused. A finished
/// one is remembered for a while, so that a lost response can be requested again. **A reported offset is durable**: the
/// bytes are synced and the row is committed.
///
/// Any request for such an upload with an active session ends that session first: what it has received counts, unless it has
/// a checksum, and it throws `.superseded` from then on. Nobody waits for a client that is gone.
///
/// Where kept uploads run out of places, one is forgotten for another (`PlaceRule`), as if it had expired. Whoever knows
/// an upload's id may ask, continue and cancel it: what its creator was entitled to is recorded with it.
///
/// A lease whose terms name an *alias* is read by that name. It keeps the bytes like any other, but shows nobody that
/// they are here: whoever asks by address, uploads, adds a lease or confirms a delivery is answered as if such leases were
/// not there. A blob that no other lease has ever held is unknown to them, and one that others held is gone, and in time
/// forgotten. The name is taken for as long as the lease is remembered, and so longer than it lives.
package protocol LeaseStore: BlobStore {
    /// Bytes of the largest blob that is accepted.
    var blobLimitBytes: Int64 { get }

    // MARK: Uploads in one request

    /// Returns if such an upload would be accepted now; else throws what `begin` would throw.
    func preflight(_ announcement: UploadAnnouncement) async throws(StoreError)

    /// Admits an upload and reserves its announced size on the disk. For one that is announced as small, a store may
    /// put off checks of the catalog or the disk until the end, since its bytes are on their way already. The session
    /// owns a staged file and the reservation, and gives both back when it is released uncommitted.
    func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession

    // MARK: Names

    /// What is held by the lease that `alias` leads to. Its sunset is the end of that lease; once that has ended the blob
    /// is `.gone`, whoever else holds it. `.unknown` where no lease that is remembered has the name.
    func find(_ alias: AliasName) async throws(StoreError) -> AliasFinding

    // MARK: Uploads that outlive their requests

    /// Admits and records an upload, whose terms name no alias; its file and its row are durable when this returns.
    /// Throws what `begin` would throw, and `.busy` where too many are kept.
    func create(_ announcement: UploadAnnouncement) async throws(StoreError) -> ResumableUpload

    /// The status of the upload. Throws `.notFound` for one that never existed, was cancelled, has expired, or has lost its
    /// place.
    func upload(_ id: UploadID) async throws(StoreError) -> ResumableUpload

    /// Continues the upload at the offset of `append`, or returns how it ended. Throws as `upload(_:)`; `.wrongOffset`
    /// where the upload is at another offset, `.wrongLength` where it has another length, or more bytes than that;
    /// `.busy` where too many uploads are in progress.
    func resume(_ id: UploadID, with append: UploadAppend) async throws(StoreError) -> Resumption

    /// Forgets the upload and removes its staged bytes; of a committed one the blob and its lease stay.
    /// Throws as `upload(_:)`.
    func cancel(_ id: UploadID) async throws(StoreError)

    // MARK: Leases

    /// The lease that `owner` names on `address`.
    /// Throws `.notFound` or `.gone` when there is no such blob (what `find` would find),
    /// `.wrongSecret` when it has but no lease of that owner.
    func lease(on address: BlobAddress, owner: Secret) async throws(StoreError) -> Lease

    /// Ends the lease that `owner` names on `address` as revoked; again, or after another end: no change, no error.
    /// Throws as `lease(on:owner:)`. When it returns the end is durable and the blob is served no more unless another
    /// lease holds it.
    func revoke(on address: BlobAddress, owner: Secret) async throws(StoreError)

    /// Moves the end of the lease that `owner` names on `address` to the lifetime of `terms` from now, later or earlier;
    /// without a lifetime to the default one from now, if that is later. Gives the lease as it is then.
    /// Throws as `lease(on:owner:)`; `.leaseEnded` for one that has ended, `.wrongSubject` for one of another subject than
    /// that of `terms`, `.lifetimeTooLong` beyond what whoever made it was entitled to, and `.sizeNotEntitled`,
    /// `.recipientsNotEntitled` or `.lifetimeNotEntitled` beyond what `terms` permit.
    func renew(on address: BlobAddress, owner: Secret, terms: RenewalTerms) async throws(StoreError) -> Lease

    /// Adds a lease to a blob that is held already, without its bytes; `isNew` if this owner had none.
    /// Throws what `find` would find, `.notFound`, `.gone` or `.damaged`, and what an upload with these terms would
    /// throw.
    func addLease(on address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob

    /// Notes that `recipient` has the blob, on the one lease there that admits `secret`: live or ended, since an ended
    /// one can still tell its owner. Again: no change, no error. The last one expected ends its lease after a grace.
    /// Throws as `lease(on:owner:)` where no lease admits the secret.
    func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError)

    /// Whether the operator has banned `address`, even where nothing else is known of it.
    func isBanned(_ address: BlobAddress) async throws(StoreError) -> Bool

    /// What `subject` uses and may use; nothing is used by one that is not known.
    func quotaUsage(of subject: String) async throws(StoreError) -> QuotaUsage
}

/// What a store knows of a name.
package struct AliasFinding: Sendable {
    package let finding: BlobFinding
    /// Whether the finding still holds; taken before the look. Nil where the name leads nowhere.
    package let validity: ValidityToken?

    package init(_ finding: BlobFinding, validity: ValidityToken?) {
        self.finding = finding
        self.validity = validity
    }
}

/// What someone who renews a lease asks for, and may.
package struct RenewalTerms: Sendable {
    /// From now on; nil for the default, which never shortens.
    package var lifetime: Lifetime?
    /// Whose lease it must be: the subject of a ticket; nil for anybody's.
    package var subject: String?
    /// How large the blob may be, and how long it may be kept.
    package var entitlement: Entitlement
    /// The most recipients that the lease may have; nil for any number.
    package var mostRecipients: Int?

    package init(
        lifetime: Lifetime?, subject: String? = nil, entitlement: Entitlement = .unlimited, mostRecipients: Int? = nil
    ) {
        self.lifetime = lifetime
        self.subject = subject
        self.entitlement = entitlement
        self.mostRecipients = mostRecipients
    }
}

/// What is known about an upload before its first byte.
package struct UploadAnnouncement: Sendable {
    /// Bytes to come, if announced.
    package var size: Int64?
    /// The address that the bytes must have, if announced.
    package var address: BlobAddress?
    package var terms: LeaseTerms
    /// What kind of bytes this upload may be, in one request; nil for what the store takes from everybody.
    package var acceptance: BlobAcceptance?

    package init(size: Int64?, address: BlobAddress?, terms: LeaseTerms, acceptance: BlobAcceptance? = nil) {
        self.size = size
        self.address = address
        self.terms = terms
        self.acceptance = acceptance
    }
}

/// One upload in progress. Used by one task at a time.
package protocol UploadSession: AnyObject, Sendable {
    /// Takes the next bytes. Throws `.notSealed` at the fourth byte, `.notEncrypted` at the twelfth, `.tooLarge` as soon as the size announced or
    /// allowed is passed, `.diskFull` and `.io` from the disk, `.busy` where bytes that were not announced exceed the
    /// quota or the upload has lost its place to another; after a throw the session is over and nothing stays.
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
    /// Whether nobody could have seen by its address that the blob was held.
    package let wasHidden: Bool
    /// When this lease was created.
    package let uploaded: Timestamp
    /// This lease's end.
    package let expires: Timestamp

    package init(
        address: BlobAddress, size: Int64, isNew: Bool, wasHidden: Bool = false, uploaded: Timestamp, expires: Timestamp
    ) {
        self.address = address
        self.size = size
        self.isNew = isNew
        self.wasHidden = wasHidden
        self.uploaded = uploaded
        self.expires = expires
    }

    /// Whether it is new to whoever uploaded it, as far as they may know.
    package var isNews: Bool { isNew || wasHidden }
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
    /// Leases made in the last day, those that have ended included.
    package var leasesMade: Int
    package var leasesMadeLimit: Int
    package var uploads: Int
    package var uploadLimit: Int
    /// When the next of the leases ends; nil where there is none.
    package var nextEnd: Timestamp?

    package init(
        bytes: Int64, reservedBytes: Int64, limitBytes: Int64?, leases: Int, leaseLimit: Int, leasesMade: Int,
        leasesMadeLimit: Int, uploads: Int, uploadLimit: Int, nextEnd: Timestamp?
    ) {
        self.bytes = bytes
        self.reservedBytes = reservedBytes
        self.limitBytes = limitBytes
        self.leases = leases
        self.leaseLimit = leaseLimit
        self.leasesMade = leasesMade
        self.leasesMadeLimit = leasesMadeLimit
        self.uploads = uploads
        self.uploadLimit = uploadLimit
        self.nextEnd = nextEnd
    }
}

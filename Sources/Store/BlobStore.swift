package import Blobs

/// Anything that can give a blob by its address: an origin's vault, an edge's cache.
///
/// Safe to call from any number of tasks at once. Absence is an answer (`BlobFinding`); a throw means "could not look".
package protocol BlobStore: Sendable {
    /// What the store knows of `address` at this moment.
    func find(_ address: BlobAddress) async throws(StoreError) -> BlobFinding

    /// How `address` stands at this moment. Whoever keeps a finding takes the standing before it looks and asks it
    /// before every use: once a change is acknowledged, no standing from before it is current. Never waits.
    func standing(of address: BlobAddress) -> Standing
}

/// What a store knows of an address.
package enum BlobFinding: Sendable {
    /// The bytes are here and somebody holds a lease on them.
    case held(HeldBlob)
    /// They were here; the last lease ended for this reason.
    case gone(EndReason)
    /// They should be here, but what was found on disk was not them.
    case damaged
    /// Never held, or so long ago that it is forgotten.
    case unknown
}

/// A blob that may be served until `sunset`.
package struct HeldBlob: Sendable {
    package let address: BlobAddress
    /// Bytes of the blob.
    package let size: Int64
    /// The latest end of its leases: after it the blob must not be served.
    package let sunset: Timestamp
    package let content: any BlobContent

    package init(address: BlobAddress, size: Int64, sunset: Timestamp, content: any BlobContent) {
        self.address = address
        self.size = size
        self.sunset = sunset
        self.content = content
    }
}

/// The bytes of one blob, readable as long as this value lives, even if the blob is removed meanwhile.
package protocol BlobContent: AnyObject, Sendable {
    /// The bytes of `range`, all of them: at most 1 MiB are asked for at once. Blocks no event loop and no
    /// cooperative thread; throws `.io` where the file is shorter than its size.
    func read(_ range: ByteRange) async throws(StoreError) -> [UInt8]

    /// Fills `buffer` with the bytes from `offset` on that can be had without waiting for a disk; how many those are.
    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int

    /// Waits until the bytes of `range` can be had without waiting for a disk, as far as a store can bring that about.
    /// Blocks no event loop and no cooperative thread; throws as `read`.
    func fetch(_ range: ByteRange) async throws(StoreError)

    /// A descriptor of the plain file behind it, which the caller owns and closes; nil where the bytes are not a local
    /// file.
    func openDescriptor() -> Int32?
}

/// A store that takes blobs and keeps them for as long as somebody holds a lease.
package protocol LeaseStore: BlobStore {
    /// Says whether an upload so announced would be taken now: returns, or throws what `begin` would throw.
    func preflight(_ announcement: UploadAnnouncement) async throws(StoreError)

    /// Admits an upload and reserves its announced size against the disk. Of one that is announced as small a store may
    /// judge at the end what takes a look at catalogue or disk: its bytes are on their way already.
    /// The session owns a staged file and the reservation, and gives both back when it is released uncommitted.
    func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession

    /// The lease that `owner` names on `address`.
    /// Throws `.notFound` or `.gone` when the address has no such blob (as `find` would tell a stranger),
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

    /// Makes a lease on a blob that is held already, without its bytes; `isNew` tells whether this owner had none.
    /// Throws as `find` would tell: `.notFound`, `.gone`, `.damaged`; and what an upload with these terms would throw.
    func hold(_ address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob

    /// Notes that `recipient` has the blob, on every lease there that admits `secret`: live or ended, since an ended one
    /// can still tell its owner. Again: no change, no error. The last one expected ends its lease after a grace.
    /// Throws as `lease(on:owner:)` where no lease admits the secret.
    func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError)

    /// What `subject` holds and may hold; nothing for one that is not known.
    func holdings(of subject: String) async throws(StoreError) -> Holdings

    /// Whether the store can write and serve at this moment; nil when it can, else the reason in one sentence.
    func unreadiness() async -> String?

    /// The present moment as the store counts it: the larger of the wall clock and the latest time committed.
    func now() -> Timestamp
}

/// What is known of an upload before its first byte.
package struct UploadAnnouncement: Sendable {
    /// Bytes to come, if announced.
    package var size: Int64?
    /// The address the bytes shall have, if announced.
    package var address: BlobAddress?
    package var terms: LeaseTerms

    package init(size: Int64?, address: BlobAddress?, terms: LeaseTerms) {
        self.size = size
        self.address = address
        self.terms = terms
    }
}

/// One upload on its way into a store. Used by one task at a time.
package protocol UploadSession: AnyObject, Sendable {
    /// Takes the next bytes. Throws `.notSealed` at the fourth byte, `.tooLarge` as soon as the size announced or
    /// allowed is passed, `.diskFull` and `.io` from the disk; after a throw the session is over and nothing stays.
    func append(_ bytes: [UInt8]) async throws(StoreError)

    /// Verifies length and address, makes bytes, name and lease durable, in that order, and only then returns.
    /// Afterwards the session is over, whatever the outcome.
    func commit() async throws(StoreError) -> StoredBlob

    /// Gives up: staged bytes and reservation are given back. After an end of any kind it does nothing.
    func abandon() async
}

/// What a committed upload came to.
package struct StoredBlob: Sendable {
    package let address: BlobAddress
    /// Bytes of the blob.
    package let size: Int64
    /// Of an upload: false when the bytes were already held, whole and undamaged. Of a lease on a blob that is held:
    /// false when this owner's lease was there already.
    package let isNew: Bool
    /// When this lease was made.
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

package import Blobs

/// Anything that blobs can be read from by address: a store's own disk, or a cache in front of another store.
///
/// Safe to call from any number of tasks at once. Absence is an answer (`BlobFinding`); a throw means "could not look".
package protocol BlobStore: Sendable {
    /// What the store knows of `address` at this moment. The intent is a hint: a store that fetches blobs from
    /// elsewhere need fetch no more than is wanted. Whatever it was, the content of a blob that is held can be read.
    func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding

    /// Tells whether what was found of `address` still holds. Whoever keeps a finding takes the token before it looks
    /// and asks it before every use: once a change is acknowledged, no token from before it is current. Never waits.
    func validity(of address: BlobAddress) -> ValidityToken

    /// The present moment as the store counts it: the larger of the wall clock and the latest time it has relied on.
    /// Never waits.
    func now() -> Timestamp

    /// Whether the store can do its work at this moment; nil when it can, else the reason in one sentence. A store that
    /// takes writes answers for reading and writing.
    func unreadiness() async -> String?
}

extension BlobStore {
    /// What the store knows of `address`, for someone who wants all of it.
    package func find(_ address: BlobAddress) async throws(StoreError) -> BlobFinding {
        try await find(address, for: .whole)
    }
}

/// What a reader wants of a blob.
package enum ReadIntent: Hashable, Sendable {
    case whole
    /// Whether it is held, and its size: perhaps none of its bytes.
    case head
    case ranges
}

/// What a store knows of an address.
package enum BlobFinding: Sendable {
    /// The bytes are here and at least one lease is live.
    case held(HeldBlob)
    /// They were here; the last lease ended for this reason.
    case gone(EndReason)
    /// They should be here, but what was found on disk is something else.
    case damaged
    /// Never held, or so long ago that it is forgotten.
    case unknown
    /// The store cannot say now: the truth is elsewhere and out of reach. `stale` is what was last known, and is given
    /// only where it may be served all the same. It is never cached.
    case unreachable(stale: HeldBlob?)
}

/// A blob that may be served.
package struct HeldBlob: Sendable {
    package let address: BlobAddress
    /// Bytes of the blob.
    package let size: Int64
    /// The latest end of its leases. Readers see it, and nobody may be served after it.
    package let sunset: Timestamp
    /// Until when it may be served again without another `find`, as long as its validity is current. Never after
    /// `sunset`, and the same moment where the store holds the truth itself.
    package let freshUntil: Timestamp
    package let content: any BlobContent

    /// `freshUntil` is `sunset` unless given.
    package init(
        address: BlobAddress, size: Int64, sunset: Timestamp, freshUntil: Timestamp? = nil, content: any BlobContent
    ) {
        self.address = address
        self.size = size
        self.sunset = sunset
        self.freshUntil = min(freshUntil ?? sunset, sunset)
        self.content = content
    }
}

/// The bytes of one blob, readable as long as this value lives, even if the blob is removed meanwhile.
package protocol BlobContent: AnyObject, Sendable {
    /// The bytes of `range`, all of them: at most 1 MiB are asked for at once. Blocks no event loop and no
    /// cooperative thread; throws `.io` where the file is shorter than its size.
    func read(_ range: ByteRange) async throws(StoreError) -> [UInt8]

    /// Fills `buffer` with the bytes from `offset` on that are available without waiting for a disk; returns how many.
    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int

    /// Waits until the bytes of `range` are available without waiting for a disk, as far as a store can bring that
    /// about. Blocks no event loop and no cooperative thread; throws as `read`.
    func fetch(_ range: ByteRange) async throws(StoreError)

    /// A descriptor of the plain file behind it, which the caller owns and closes; nil where the bytes are not a local
    /// file.
    func openDescriptor() -> Int32?
}

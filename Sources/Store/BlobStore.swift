package import Blobs

/// Anything that blobs can be read from by address: a store's own disk, or a cache in front of another store.
///
/// Safe to call from any number of tasks at once. Absence is an answer (`BlobFinding`); a throw means "could not look".
package protocol BlobStore: Sendable {
    /// What the store knows of `address` at this moment. The intent is a hint: a store that fetches blobs from
    /// elsewhere need fetch no more than is wanted. Whatever it was, the content of a blob that is held can be read.
    func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding

    /// Whether `find` would ask another store about `address`, which nobody does yet. Never waits.
    func asksElsewhere(about address: BlobAddress) -> Bool

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
    package func asksElsewhere(about address: BlobAddress) -> Bool { false }

    /// What the store knows of `address`, for someone who wants all of it.
    package func find(_ address: BlobAddress) async throws(StoreError) -> BlobFinding {
        try await find(address, for: .whole)
    }
}

/// What a reader wants of a blob.
package enum ReadIntent: Hashable, Sendable {
    /// All of it. Whoever has read all of it has the blob that was asked for, and nothing else: where a store fetches it
    /// from elsewhere, the end is withheld until the digest is right.
    case whole
    /// Whether it is held, and its size: perhaps none of its bytes.
    case head
    /// Parts of it, which no digest covers.
    case ranges
    /// One part of it, perhaps beyond its end: its size may not be known yet.
    case range(Range<Int64>)
    /// What is here was found to be wrong by whoever read it: a cache looks again.
    case again
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
    /// What the truth is fetched from gave no answer that can be relied on. It is never cached.
    case unanswered(UpstreamFault)
    /// The store cannot say now: the truth is elsewhere and out of reach. `stale` is what was last known, and is given
    /// only where it may be served all the same. It is never cached.
    case unreachable(stale: HeldBlob?)
}

/// Why whoever was asked for a blob in our stead gave no answer.
package enum UpstreamFault: String, Hashable, Sendable {
    /// It could not be reached, or went silent.
    case unreachable
    /// What it sent is not what was asked for, or it says itself that it failed.
    case failed
    /// Too much is being fetched from it already.
    case busy
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
    /// False while its bytes are still on their way from elsewhere: then it is for those who asked, and not kept.
    package private(set) var isComplete: Bool
    /// What a cache in front of another store says of itself; nil where the store holds the truth.
    package let handling: CacheHandling?
    /// Of bytes that are a copy of others elsewhere; nil where the store holds the bytes themselves.
    package let record: (any CacheRecord)?

    /// `freshUntil` is `sunset` unless given, and `record` that of `handling`.
    package init(
        address: BlobAddress, size: Int64, sunset: Timestamp, freshUntil: Timestamp? = nil, content: any BlobContent,
        isComplete: Bool = true, handling: CacheHandling? = nil, record: (any CacheRecord)? = nil
    ) {
        self.address = address
        self.size = size
        self.sunset = sunset
        self.freshUntil = min(freshUntil ?? sunset, sunset)
        self.content = content
        self.isComplete = isComplete
        self.handling = handling
        self.record = record ?? handling?.record
    }

    /// The same for those who asked alone: whoever comes later looks again.
    package var unkept: HeldBlob {
        var blob = self
        blob.isComplete = false
        return blob
    }
}

/// How a cache came by what it answers with, which it tells with every answer.
package struct CacheHandling: Sendable {
    /// The name of the cache, a token.
    package let cache: String
    /// Of the answer to whoever asked first, as the parameters of Cache-Status (RFC 9211 §2): `hit`, or
    /// `fwd=miss; fwd-status=200`. Whoever is served from what was kept has a hit.
    package let first: String
    package let record: any CacheRecord

    package init(cache: String, first: String, record: any CacheRecord) {
        self.cache = cache
        self.first = first
        self.record = record
    }
}

/// What a cache knows of a blob that it gave away.
package protocol CacheRecord: Sendable {
    /// When the origin last confirmed it, as the store counts time; that may move on by itself. Never waits.
    func confirmed(at now: Timestamp) -> Timestamp

    /// It was read so often since the last time, from what was kept of it.
    func noteReads(_ count: Int, at now: Timestamp)
}

/// The bytes of one blob, readable as long as this value lives, even if the blob is removed meanwhile.
package protocol BlobContent: AnyObject, Sendable {
    /// The bytes at the start of `range`, which is all that a reader still wants: `limit` of them, at most 1 MiB, or where
    /// they are on their way those that have come, at least one. `intent` is `.whole` for whoever reads the blob from
    /// end to end. Blocks no event loop and no cooperative thread; throws `.io` where the file is shorter than its size,
    /// or the bytes will never come.
    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8]

    /// Fills `buffer` with the bytes from `offset` on that are available to everybody without waiting for a disk; returns
    /// how many.
    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int

    /// The same for one reader of all of it, who reads it in order and by itself.
    func forOneReader() -> any BlobContent

    /// How many bytes at the start of `range` have come by now, of a blob that is on its way. Waits for nothing.
    func arrived(_ range: ByteRange, for intent: ReadIntent) -> Int

    /// Waits until bytes at the start of `range` are available in the file of `openDescriptor` without waiting for a disk,
    /// as far as a store can bring that about; returns how many, or 0 where they can be had by `read` alone. Otherwise
    /// as `read`.
    func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int

    /// A descriptor of the plain file behind it, which the caller owns and closes; nil where the bytes are not a local
    /// file.
    func openDescriptor() -> Int32?
}

extension BlobContent {
    package func forOneReader() -> any BlobContent { self }

    package func arrived(_ range: ByteRange, for intent: ReadIntent) -> Int { Int(range.count) }

    /// All bytes of `range`.
    package func read(_ range: ByteRange) async throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let rest = ByteRange(
            offset: range.offset + Int64(bytes.count), count: range.count - Int64(bytes.count), within: range.end)
        {
            let more = try await read(rest, atMost: 1 << 20, for: .whole)
            // Nearly always all of them.
            bytes = bytes.isEmpty ? more : bytes + more
        }
        return bytes
    }
}

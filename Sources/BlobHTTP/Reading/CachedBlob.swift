import Blobs
import HTTPTypes
import NIOCore
import Store

/// A held blob as one event loop caches it: its bytes where they are few, its file where they are many, and the heads
/// of the responses about it.
final class CachedBlob {
    /// Bodies up to this size are kept in memory and sent with their head in one write; larger ones leave by
    /// `sendfile`.
    static let bodyLimit: Int64 = 32 << 10

    let metadata: BlobMetadata
    /// All bytes, where they are at most `bodyLimit`.
    let body: ByteBuffer?
    /// Where the bytes are read from; nil where all of them are in `body`, so that no file stays open for it.
    let content: (any BlobContent)?
    /// False while its bytes are still on their way.
    private let isComplete: Bool
    /// What the client who caused the fetch has of all of them.
    var permit: ClientShares.Permit?
    private let handling: HandlingFields?
    private let record: (any CacheRecord)?
    /// Nil for what is not to be kept.
    private let validity: ValidityToken?
    private let cacheSeconds: Int64
    private let dates: DateText
    /// This loop's own descriptor of the file, once one was needed.
    private var file: (handle: NIOFileHandle, descriptor: CInt)?
    private var heads: BlobHeads?
    private var probe = PageCacheProbe()
    /// How often it was read since that was last told, and when it was last.
    private var reads = (count: 0, latest: Timestamp(seconds: 0))

    /// - Parameters:
    ///   - type: what it is said to be, where it is read from a slot.
    ///   - isFirst: for whoever asked first, of whom a cache may have more to say than `hit`.
    init(
        _ blob: HeldBlob, body: ByteBuffer?, type: SlotType? = nil, isFirst: Bool = false, validity: ValidityToken?,
        cacheSeconds: Int64, dates: DateText
    ) {
        metadata = BlobMetadata(blob, type: type)
        handling = blob.handling.map { HandlingFields($0, isFirst: isFirst) }
        record = blob.record
        content = body == nil ? blob.content : nil
        isComplete = blob.isComplete
        self.body = body
        self.validity = validity
        self.cacheSeconds = cacheSeconds
        self.dates = dates
    }

    /// Bytes of the blob.
    var size: Int64 { metadata.size }

    /// Whether it may be served at `now` without asking the store: nothing has changed about it, and its time is not
    /// up.
    func isServable(at now: Timestamp) -> Bool {
        (validity?.isCurrent ?? false) && metadata.freshUntil > now
    }

    /// Whether it came through a cache, which may hold other bytes than where they come from.
    var isFromCache: Bool { record != nil }

    /// Bytes of memory that its body takes: by itself, and once more behind the head of the response that has all of
    /// it.
    var bodyBytes: Int { 2 * (body?.readableBytes ?? 0) }

    /// The bytes of `range` in the file, for `sendfile`; nil where there is no file or it cannot be opened. This blob must
    /// live until they have been sent.
    func region(_ range: ByteRange) -> FileRegion? {
        descriptor == nil
            ? nil
            : file.map { FileRegion(fileHandle: $0.handle, readerIndex: Int(range.offset), endIndex: Int(range.end)) }
    }

    /// The descriptor of the file; nil where there is none or it cannot be opened. It is open as long as this blob lives.
    var descriptor: CInt? {
        if let file { return file.descriptor }
        guard let descriptor = content?.openDescriptor() else { return nil }
        file = (NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor), descriptor)
        return descriptor
    }

    /// It has been found here.
    func noteRead(at now: Timestamp) { if isFromCache { reads = (reads.count &+ 1, now) } }

    /// Tells the cache that it came from how often it was read.
    func reportReads() {
        guard reads.count > 0, let record else { return }
        record.noteReads(reads.count, at: reads.latest)
        reads.count = 0
    }

    deinit {
        reportReads()
        // Closing a descriptor for reading loses nothing.
        try? file?.handle.close()
    }

    /// The heads of responses at `now`.
    func heads(at now: Timestamp) -> BlobHeads {
        if let heads, heads.time == now { return heads }
        let date = dates.text(at: now)
        if let heads, heads.move(to: now, date) { return heads }
        let made = BlobHeads(
            metadata, body: body, handling: handling, cacheSeconds: cacheSeconds, now: now, date)
        heads = made
        return made
    }

    /// What of `piece` can be sent from the file without waiting: all of it, where it is in the page cache or was a few
    /// seconds ago; of a blob that is on its way, as much as has come; nil where that is nothing. `content` is the
    /// reader's.
    func ready(
        _ piece: ByteRange, of content: any BlobContent, for intent: ReadIntent, at now: NIODeadline
    ) -> ByteRange? {
        let hasByte = { (offset: Int64) in
            var byte: InlineArray<1, UInt8> = [0]
            var span = byte.mutableSpan
            // Safe: every pattern of bits is a byte.
            var bytes = unsafe span.mutableBytes
            return content.readResident(at: offset, into: &bytes) == 1
        }
        if isComplete { return probe.isResident(piece, of: size, now: now, hasByte: hasByte) ? piece : nil }
        let count = content.arrived(piece, for: intent)
        let part = ByteRange(offset: piece.offset, count: Int64(count), within: piece.end)
        return part.flatMap { PageCacheProbe.isResident($0, hasByte: hasByte) ? $0 : nil }
    }
}

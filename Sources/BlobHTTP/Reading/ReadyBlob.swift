import Blobs
import HTTPTypes
import NIOCore
import Store

/// A held blob as one event loop keeps it ready: its bytes where they are few, its file where they are many, and the
/// heads of the answers about it.
final class ReadyBlob {
    /// Bodies up to this size are kept in memory and sent with their head in one write; larger ones leave by `sendfile`.
    static let bodyLimit: Int64 = 32 << 10

    let facts: BlobFacts
    /// All bytes, where they are at most `bodyLimit`.
    let body: ByteBuffer?
    /// Where the bytes are read from; nil where all of them are in `body`, so that no file stays open for it.
    let content: (any BlobContent)?
    private let validity: ValidityToken
    private let cacheSeconds: Int64
    private let dates: DateText
    private var file: LoopFile?
    private var heads: BlobHeads?
    private var residency = Residency()

    init(_ blob: HeldBlob, body: ByteBuffer?, validity: ValidityToken, cacheSeconds: Int64, dates: DateText) {
        facts = BlobFacts(blob)
        content = body == nil ? blob.content : nil
        self.body = body
        self.validity = validity
        self.cacheSeconds = cacheSeconds
        self.dates = dates
    }

    /// Whether it may be served at `now` without another look: nothing has changed about it, and its time is not up.
    func isServable(at now: Timestamp) -> Bool { validity.isCurrent && facts.freshUntil > now }

    /// Bytes of memory that its body takes: by itself, and once more behind the head of the answer that has all of it.
    var bodyBytes: Int { 2 * (body?.readableBytes ?? 0) }

    /// The file for `sendfile`; nil where there is none or none can be opened.
    func openFile() -> LoopFile? {
        if file == nil, let descriptor = content?.openDescriptor() { file = LoopFile(owning: descriptor) }
        return file
    }

    /// The heads of answers at `now`.
    func heads(at now: Timestamp) -> BlobHeads {
        let date = dates.text(at: now)
        if let heads, heads.move(to: now, date) { return heads }
        let made = BlobHeads(facts, body: body, cacheSeconds: cacheSeconds, now: now, date)
        heads = made
        return made
    }

    // MARK: Memory

    /// Whether all bytes of `range` are in the kernel's memory, or were a few seconds ago.
    func isResident(_ range: ByteRange, at now: NIODeadline) -> Bool {
        residency.isResident(range, of: facts.size, now: now) { offset in
            var byte: InlineArray<1, UInt8> = [0]
            var span = byte.mutableSpan
            // Safe: every pattern of bits is a byte.
            var bytes = unsafe span.mutableBytes
            return content?.readResident(at: offset, into: &bytes) == 1
        }
    }
}

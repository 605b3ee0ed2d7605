import Blobs
import HTTPTypes
import NIOCore

/// A held blob as one event loop keeps it ready: its bytes where they are few, its file where they are many, and what
/// every answer about it says during the present second.
final class ReadyBlob {
    /// Bodies up to this size are kept in memory and sent with their head in one write; larger ones leave by `sendfile`.
    static let bodyLimit: Int64 = 32 << 10

    let facts: BlobFacts
    /// All bytes, where they are at most `bodyLimit`.
    let body: ByteBuffer?
    /// Where the bytes are read from; nil where all of them are in `body`, so that no file stays open for it.
    let content: (any BlobContent)?
    private let standing: Standing
    private let cacheSeconds: Int64
    private var file: LoopFile?
    private var heads: Heads?
    private var residency = Residency()

    init(_ blob: HeldBlob, body: ByteBuffer?, standing: Standing, cacheSeconds: Int64) {
        facts = BlobFacts(address: blob.address, size: blob.size, sunset: blob.sunset)
        content = body == nil ? blob.content : nil
        self.body = body
        self.standing = standing
        self.cacheSeconds = cacheSeconds
    }

    /// Whether it may be served at `now`: nothing has changed about it, and a lease holds it.
    func isServable(at now: Timestamp) -> Bool { standing.isCurrent && facts.sunset > now }

    /// Bytes of memory that its body takes.
    var bodyBytes: Int { body?.readableBytes ?? 0 }

    /// The file for `sendfile`; nil where there is none or none can be opened.
    func openFile() -> LoopFile? {
        if file == nil, let descriptor = content?.openDescriptor() { file = LoopFile(owning: descriptor) }
        return file
    }

    // MARK: Heads

    /// What all answers of one second share.
    struct Heads {
        let time: Timestamp
        let fields: BlobFields
        /// The beginnings of heads by status, up to what is the answer's own.
        let ok: ByteBuffer
        let partialContent: ByteBuffer
        let notModified: ByteBuffer
        /// The answer to a plain GET on a connection that stays: its head, and the body where that is in memory.
        let whole: ByteBuffer

        func beginning(_ status: HTTPResponse.Status) -> ByteBuffer {
            status == .ok ? ok : status == .notModified ? notModified : partialContent
        }
    }

    /// Those of the second `now`.
    func heads(at now: Timestamp) -> Heads {
        if let heads, heads.time == now { return heads }
        let made = makeHeads(now)
        heads = made
        return made
    }

    private func makeHeads(_ now: Timestamp) -> Heads {
        let fields = BlobFields(facts, now: now, cacheSeconds: cacheSeconds)
        let date = "Date: \(HTTPDate.format(now))\r\n"
        let ok = HTTPResponse.Status.ok
        let content = date + HTTP1Head.lines(fields.content)
        let okBeginning = ByteBuffer(string: HTTP1Head.statusLine(ok) + content)
        var whole = okBeginning
        HTTP1Head.end(&whole, BlobVerdict(status: ok, body: .whole), facts, .keepAlive(isHTTP10: false))
        if let body { whole.writeImmutableBuffer(body) }
        return Heads(
            time: now, fields: fields, ok: okBeginning,
            partialContent: ByteBuffer(string: HTTP1Head.statusLine(.partialContent) + content),
            notModified: ByteBuffer(
                string: HTTP1Head.statusLine(.notModified) + date + HTTP1Head.lines(fields.common)),
            whole: whole)
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

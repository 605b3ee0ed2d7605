import Blobs
import HTTPTypes
import NIOCore
import Store

/// The heads of all answers about one blob, made into bytes. From second to second nothing changes in them but the
/// date, which is written over. Used on one event loop alone.
final class BlobHeads {
    let fields: BlobFields
    private let facts: BlobFacts
    private let cacheSeconds: Int64
    private var time: Timestamp
    private var ok: DatedHead
    private var partialContent: DatedHead
    private var notModified: DatedHead
    private var whole: DatedHead
    private var wholeNotModified: DatedHead

    init(_ facts: BlobFacts, body: ByteBuffer?, cacheSeconds: Int64, now: Timestamp, _ date: String) {
        self.facts = facts
        self.cacheSeconds = cacheSeconds
        time = now
        fields = BlobFields(facts, now: now, cacheSeconds: cacheSeconds)
        ok = DatedHead(.ok, date, fields.content)
        partialContent = DatedHead(.partialContent, date, fields.content)
        notModified = DatedHead(.notModified, date, fields.common)
        wholeNotModified = notModified
        wholeNotModified.bytes.writeStaticString("\r\n")
        whole = ok
        HTTP1Head.end(&whole.bytes, BlobVerdict(status: .ok, body: .whole), facts, .keepAlive(isHTTP10: false))
        if let body { whole.bytes.writeImmutableBuffer(body) }
    }

    /// Makes them those of another second; false where more than the date would have to change.
    func move(to now: Timestamp, _ date: String) -> Bool {
        if time == now { return true }
        guard BlobFields.maximumAge(facts, now: now, cacheSeconds: cacheSeconds) == fields.maximumAge else {
            return false
        }
        time = now
        ok.tell(date)
        partialContent.tell(date)
        notModified.tell(date)
        whole.tell(date)
        wholeNotModified.tell(date)
        return true
    }

    /// The beginning of a head, up to what is the answer's own.
    func beginning(_ status: HTTPResponse.Status) -> ByteBuffer {
        status == .ok ? ok.bytes : status == .notModified ? notModified.bytes : partialContent.bytes
    }

    /// The answer on a connection that stays, or its head if the body is not in memory; nil where it has more in it
    /// than is known before it is asked for.
    func whole(_ verdict: BlobVerdict) -> ByteBuffer? {
        switch verdict.body {
        case .whole: whole.bytes
        case .none: verdict.status == .notModified ? wholeNotModified.bytes : nil
        case .part, .multipart: nil
        }
    }
}

/// A head, or the beginning of one, in which the date can be changed.
private struct DatedHead {
    var bytes: ByteBuffer
    private let dateIndex: Int

    init(_ status: HTTPResponse.Status, _ date: String, _ fields: HTTPFields) {
        bytes = ByteBuffer(string: HTTP1Head.statusLine(status) + "Date: ")
        dateIndex = bytes.writerIndex
        bytes.writeString(date + "\r\n" + HTTP1Head.lines(fields))
    }

    /// Every date has the same length.
    mutating func tell(_ date: String) { bytes.setString(date, at: dateIndex) }
}

/// The date as HTTP writes it, made once a second for everybody on one event loop.
final class DateText {
    private var time = Timestamp(seconds: .min)
    private var text = ""

    func text(at now: Timestamp) -> String {
        if now != time {
            time = now
            text = HTTPDate.format(now)
        }
        return text
    }
}

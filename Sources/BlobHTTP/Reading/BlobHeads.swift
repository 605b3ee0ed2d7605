import Blobs
import HTTPTypes
import NIOCore
import Store

/// The heads of all responses about one blob, as bytes. From second to second only the date changes in them, and it is
/// overwritten in place. Used on one event loop only.
final class BlobHeads {
    let fields: BlobFields
    private let metadata: BlobMetadata
    private let cacheSeconds: Int64
    private var time: Timestamp
    private var ok: DatedHead
    private var partialContent: DatedHead
    private var notModified: DatedHead
    private var whole: DatedHead
    private var wholeNotModified: DatedHead

    init(_ metadata: BlobMetadata, body: ByteBuffer?, cacheSeconds: Int64, now: Timestamp, _ date: String) {
        self.metadata = metadata
        self.cacheSeconds = cacheSeconds
        time = now
        fields = BlobFields(metadata, now: now, cacheSeconds: cacheSeconds)
        ok = DatedHead(.ok, date, fields.content)
        partialContent = DatedHead(.partialContent, date, fields.content)
        notModified = DatedHead(.notModified, date, fields.common)
        wholeNotModified = notModified
        wholeNotModified.bytes.writeStaticString("\r\n")
        whole = ok
        HTTP1Head.end(&whole.bytes, ReadDecision(status: .ok, body: .whole), metadata, .keepAlive(isHTTP10: false))
        if let body { whole.bytes.writeImmutableBuffer(body) }
    }

    /// Moves them to another second; false where more than the date would have to change.
    func move(to now: Timestamp, _ date: String) -> Bool {
        if time == now { return true }
        guard BlobFields.maximumAge(metadata, now: now, cacheSeconds: cacheSeconds) == fields.maximumAge else {
            return false
        }
        time = now
        ok.setDate(date)
        partialContent.setDate(date)
        notModified.setDate(date)
        whole.setDate(date)
        wholeNotModified.setDate(date)
        return true
    }

    /// The beginning of a head, up to the lines that only one response has.
    func beginning(_ status: HTTPResponse.Status) -> ByteBuffer {
        status == .ok ? ok.bytes : status == .notModified ? notModified.bytes : partialContent.bytes
    }

    /// The response on a connection that stays open, or its head if the body is not in memory; nil where some of it is
    /// not known before the request.
    func whole(_ decision: ReadDecision) -> ByteBuffer? {
        switch decision.body {
        case .whole: whole.bytes
        case .none: decision.status == .notModified ? wholeNotModified.bytes : nil
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
    mutating func setDate(_ date: String) { bytes.setString(date, at: dateIndex) }
}

/// The date as HTTP writes it, formatted once a second for everybody on one event loop.
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

/// The head of a response in the syntax of HTTP/1.1 (RFC 9112 §4, §5), written by us: NIO's codec takes a third of the
/// time of a small response.
enum HTTP1Head {
    static func statusLine(_ status: HTTPResponse.Status) -> String {
        "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n"
    }

    /// A line for each field. None of them comes from a client, so none holds a line end.
    static func lines(_ fields: HTTPFields) -> String {
        var lines = ""
        for field in fields { lines += "\(field.name.rawName): \(field.value)\r\n" }
        return lines
    }

    /// Adds the lines that only this response has, and the end of the head.
    static func end(
        _ head: inout ByteBuffer, _ decision: ReadDecision, _ metadata: BlobMetadata,
        _ persistence: ConnectionState.Persistence
    ) {
        decision.forEachOwnField(metadata) { name, value in
            head.writeString(name.rawName)
            head.writeStaticString(": ")
            head.writeString(value)
            head.writeStaticString("\r\n")
        }
        head.writeString(line(persistence))
        head.writeStaticString("\r\n")
    }

    /// What the connection's state adds.
    static func line(_ persistence: ConnectionState.Persistence) -> String {
        switch persistence {
        case .close: "Connection: close\r\n"
        case .keepAlive(isHTTP10: true): "Connection: keep-alive\r\n"
        case .keepAlive, .none: ""
        }
    }
}

import Blobs
import HTTPTypes
import NIOCore
import Store

/// The heads of all responses about one blob, as bytes, each made when it is first needed. From second to second only the
/// date changes in them, and it is overwritten in place. Used on one event loop only.
final class BlobHeads {
    private enum Form: Int, CaseIterable {
        /// Beginnings, up to the lines that only one response has.
        case ok, partialContent, notModified
        /// The response on a connection that stays open, with its body if that is in memory.
        case whole, wholeNotModified
        /// The beginning of a response with one range, up to the number of the first byte.
        case part
    }

    let fields: BlobFields
    private let metadata: BlobMetadata
    private let body: ByteBuffer?
    private let handling: HandlingFields?
    private let cacheSeconds: Int64
    private(set) var time: Timestamp
    private var date: String
    /// The value of Age, where a cache answers.
    private(set) var age: String?
    /// By form; nil where none was needed.
    private var heads = [DatedHead?](repeating: nil, count: Form.allCases.count)

    init(
        _ metadata: BlobMetadata, body: ByteBuffer?, handling: HandlingFields? = nil, cacheSeconds: Int64,
        now: Timestamp, _ date: String
    ) {
        self.metadata = metadata
        self.body = body
        self.handling = handling
        self.cacheSeconds = cacheSeconds
        self.date = date
        time = now
        age = handling?.age(at: now)
        fields = BlobFields(metadata, now: now, cacheSeconds: cacheSeconds, handling: handling)
    }

    private func bytes(_ form: Form) -> ByteBuffer {
        if let head = heads[form.rawValue] { return head.bytes }
        let head = make(form)
        heads[form.rawValue] = head
        return head.bytes
    }

    private func make(_ form: Form) -> DatedHead {
        switch form {
        case .ok: return DatedHead(.ok, date, age: age, fields.content)
        case .partialContent: return DatedHead(.partialContent, date, age: age, fields.content)
        case .notModified: return DatedHead(.notModified, date, age: age, fields.common)
        case .whole:
            var head = make(.ok)
            HTTP1Head.end(&head.bytes, ReadDecision(status: .ok, body: .whole), metadata, .keepAlive(isHTTP10: false))
            if let body { head.bytes.writeImmutableBuffer(body) }
            return head
        case .part:
            var head = make(.partialContent)
            HTTP1Head.beginRange(&head.bytes, metadata)
            return head
        case .wholeNotModified:
            var head = make(.notModified)
            head.bytes.writeStaticString("\r\n")
            return head
        }
    }

    /// Moves them to another second; false where more than the date would have to change.
    func move(to now: Timestamp, _ date: String) -> Bool {
        guard BlobFields.maximumAge(metadata, now: now, cacheSeconds: cacheSeconds) == fields.maximumAge else {
            return false
        }
        (time, self.date) = (now, date)
        age = handling?.age(at: now)
        for index in heads.indices { heads[index]?.set(date, age: age) }
        return true
    }

    /// The beginning of a head, up to the lines that only one response has.
    func beginning(_ status: HTTPResponse.Status) -> ByteBuffer {
        bytes(status == .ok ? .ok : status == .notModified ? .notModified : .partialContent)
    }

    /// The response to a read of all of it on a connection that stays open: its head, and the body if that is in memory.
    var whole: ByteBuffer { bytes(.whole) }

    /// The head of a response with one range on such a connection.
    func part(_ range: ByteRange) -> ByteBuffer {
        let beginning = bytes(.part)
        var head = ByteBufferAllocator().buffer(capacity: beginning.readableBytes + HTTP1Head.rangeBytes)
        head.writeImmutableBuffer(beginning)
        HTTP1Head.endRange(&head, range, size: metadata.size)
        head.writeStaticString("\r\n")
        return head
    }

    /// The response on such a connection to a client that has it.
    var notModified: ByteBuffer { bytes(.wholeNotModified) }

    /// The response on a connection that stays open, or its head if the body is not in memory; nil where some of it is
    /// not known before the request.
    func whole(_ decision: ReadDecision) -> ByteBuffer? {
        switch decision.body {
        case .whole: bytes(.whole)
        case .none: decision.status == .notModified ? bytes(.wholeNotModified) : nil
        case .part, .multipart: nil
        }
    }
}

/// A head, or the beginning of one, in which date and age can be changed.
private struct DatedHead {
    private static let ageName = "\r\nAge: "

    var bytes: ByteBuffer
    private let dateIndex: Int

    init(_ status: HTTPResponse.Status, _ date: String, age: String?, _ fields: HTTPFields) {
        bytes = ByteBuffer(string: HTTP1Head.statusLine(status) + "Date: ")
        dateIndex = bytes.writerIndex
        bytes.writeString(date)
        if let age { bytes.writeString(Self.ageName + age) }
        bytes.writeString("\r\n" + HTTP1Head.lines(fields))
    }

    /// Every date has the same length, and so has every age.
    mutating func set(_ date: String, age: String?) {
        let count = bytes.setString(date, at: dateIndex)
        if let age { bytes.setString(age, at: dateIndex + count + Self.ageName.utf8.count) }
    }
}

/// What a cache tells with each answer.
struct HandlingFields: Sendable {
    /// The longest age, which has all the digits that there is room for.
    private static let oldest: Int64 = 99_999

    let via: String
    let cacheStatus: String
    let record: any CacheRecord

    init(_ handling: CacheHandling, isFirst: Bool) {
        via = "1.1 \(handling.cache)"
        cacheStatus = "\(handling.cache); \(isFirst ? handling.first : "hit")"
        record = handling.record
    }

    /// Seconds since the origin confirmed it (RFC 9111 §5.1), in five digits with zeros in front.
    func age(at now: Timestamp) -> String {
        let digits = String(min(now.secondsSince(record.confirmed(at: now)), Self.oldest))
        return String(repeating: "0", count: 5 - digits.count) + digits
    }
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
        if case .part(let range) = decision.body {
            beginRange(&head, metadata)
            endRange(&head, range, size: metadata.size)
        } else {
            decision.forEachOwnField(metadata) { name, value in write(name.rawName, value, to: &head) }
        }
        head.writeString(line(persistence))
        head.writeStaticString("\r\n")
    }

    /// More bytes than four numbers and what stands between them take.
    static let rangeBytes = 160

    /// What `forEachOwnField` says of one range, up to the number of its first byte.
    static func beginRange(_ head: inout ByteBuffer, _ metadata: BlobMetadata) {
        head.writeString("Content-Type: \(metadata.mediaType)\r\nContent-Range: bytes ")
    }

    /// The rest of that.
    static func endRange(_ head: inout ByteBuffer, _ range: ByteRange, size: Int64) {
        var text = LineText()
        text.add(range.offset)
        text.add("-")
        text.add(range.end - 1)
        text.add("/")
        text.add(size)
        text.add("\r\nContent-Length: ")
        text.add(range.count)
        text.add("\r\n")
        text.write(to: &head)
    }

    /// Adds the line of one field.
    static func write(_ name: String, _ value: String, to head: inout ByteBuffer) {
        head.writeString(name)
        head.writeStaticString(": ")
        head.writeString(value)
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

/// A few numbers and what stands between them, put together before they are written: every write to a buffer costs as much as
/// ten digits.
private struct LineText {
    private var room = InlineArray<160, UInt8>(repeating: UInt8(ascii: "0"))
    private var count = 0

    /// Writes all of it behind `head`.
    func write(to head: inout ByteBuffer) {
        // Safe: every pattern of bits is a byte.
        _ = unsafe head.writeBytes(room.span.extracting(first: count).bytes)
    }

    mutating func add(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount {
            // Safe: the bytes of a static string live for ever.
            room[count] = unsafe text.utf8Start[index]
            count += 1
        }
    }

    /// Adds a number that is not negative, in decimal digits.
    mutating func add(_ number: Int64) {
        var rest = number.magnitude
        var end = count
        repeat {
            end += 1
            rest /= 10
        } while rest > 0
        rest = number.magnitude
        count = end
        repeat {
            end -= 1
            room[end] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
    }
}

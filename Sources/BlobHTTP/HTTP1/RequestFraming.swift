import Blobs
import Glibc
import HTTPTypes
import NIOCore
import NIOHTTP1
import Store

/// What a request's head says about its framing, its connection and the blob it reads: gathered in one pass, since
/// nearly every request is small.
struct RequestFraming {
    private var hosts = 0
    private var lengths = 0
    private var contentLength: String?
    private var encodings = 0
    private var transferEncoding: String?
    private var hasUpgrade = false
    private(set) var expectsContinue = false
    private var expectsOther = false
    private var range: String?
    private var rereads = false
    private var preconditions = Preconditions()
    private let head: HTTPRequestHead

    init(_ head: HTTPRequestHead) {
        self.head = head
        for (name, value) in head.headers { take(name, value.withoutBlanksBehind) }
    }

    private mutating func take(_ name: String, _ value: String) {
        switch name.utf8.count {
        case 4 where name.means("host"): hosts += 1
        case 5 where name.means("range"): range = range.joined(value)
        case 6 where name.means("expect"):
            if value.lowercased() == "100-continue" { expectsContinue = true } else { expectsOther = true }
        case 7 where name.means("upgrade"): hasUpgrade = true
        case 8 where name.means("if-match"): preconditions.ifMatch = preconditions.ifMatch.joined(value)
        case 8 where name.means("if-range"): preconditions.ifRange = preconditions.ifRange.joined(value)
        case 13 where name.means("if-none-match"):
            preconditions.ifNoneMatch = preconditions.ifNoneMatch.joined(value)
        case 14 where name.means("content-length"):
            lengths += 1
            contentLength = value
        case 14 where name.means("satchel-reread"): rereads = value == "1"
        case 17 where name.means("transfer-encoding"):
            encodings += 1
            transferEncoding = value
        default: break
        }
    }

    /// Why this head is ambiguous and therefore refused (RFC 9112 §3.2, §6.1, §6.3, §11.2); nil if it is not. The
    /// decoder refuses most of it first.
    var fault: String? {
        if hosts > 1 || hosts == 0 && head.version != .http1_0 { return "It must have exactly one Host field." }
        if encodings == 0 { return lengths > 1 ? "It has two Content-Length fields." : nil }
        if lengths > 0 { return "It has both Content-Length and Transfer-Encoding." }
        if head.version == .http1_0 { return "HTTP/1.0 has no Transfer-Encoding." }
        return encodings == 1 && transferEncoding?.lowercased() == "chunked"
            ? nil : "The only supported Transfer-Encoding is chunked."
    }

    /// Whether the connection can serve another request: not after one that asks for another protocol, since the next
    /// bytes could be of either.
    var keepsAlive: Bool { head.isKeepAlive && head.method != .CONNECT && !hasUpgrade }

    /// Bytes of the body, where they are announced as a length.
    var bodyBytes: Int { contentLength.flatMap { Int($0) } ?? 0 }

    /// What is asked for; nil for every request that is not a read.
    var readRequest: ReadRequest? {
        guard head.method == .GET || head.method == .HEAD, let subject = Route.reading(ofTarget: head.uri) else {
            return nil
        }
        let hasBody = encodings > 0 || contentLength != nil && contentLength != "0"
        return ReadRequest(
            subject, isHead: head.method == .HEAD, range: range, rereads: rereads, preconditions: preconditions,
            fault: hasBody ? .body : expectsOther ? .expectation : nil)
    }
}

extension String {
    /// Whether this field name is `name`, which is in lower case (RFC 9110 §5.1).
    fileprivate func means(_ name: StaticString) -> Bool {
        // Safe: the bytes of a static string live for ever.
        let expected = unsafe UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return unsafe utf8.elementsEqual(expected) { $0 | ($0 >= 0x41 && $0 <= 0x5a ? 0x20 : 0) == $1 }
    }

    /// The value without trailing blanks, which the decoder does not remove (RFC 9112 §5.1).
    fileprivate var withoutBlanksBehind: String {
        utf8.last == 0x20 || utf8.last == 0x09 ? String(Substring(utf8.trimmingBlanks())) : self
    }
}

extension String? {
    /// The combined value of a field that came more than once (RFC 9110 §5.3).
    fileprivate func joined(_ value: String) -> String { map { "\($0), \(value)" } ?? value }
}

/// How much of what has arrived the decoder may have, so that it makes no more than a number of requests of it.
enum RequestBoundary {
    /// "GET / HTTP/1.0" and an empty line: no request is shorter.
    private static let leastBytes = 18

    /// The length of the longest prefix of `buffer` in which no more than `requests` requests end, or one more whose
    /// end has begun before: all of a body of which `bodyBytes` are to come, then up to an empty line.
    static func prefix(of buffer: ByteBuffer, requests: Int, bodyBytes: Int) -> Int {
        let count = buffer.readableBytes
        if requests <= 0 { return 0 }
        if bodyBytes > 0 { return min(bodyBytes, count) }
        return count <= requests * leastBytes ? count : end(of: requests, in: buffer.readableBytesUInt8Span)
    }

    /// Whether `buffer` ends with an empty line and the end of the line before it: a decoder that waits for a request
    /// behind these bytes has no part of one.
    static func isEnd(of buffer: ByteBuffer) -> Bool {
        let bytes = buffer.readableBytesUInt8Span
        return bytes.count >= 4 && isEmptyLine(at: bytes.count - 1, in: bytes)
    }

    /// Where the empty line number `requests` ends (CR LF CR LF; RFC 9112 §2.1), or all there is. Only line feeds are looked
    /// at, of which a body has few.
    private static func end(of requests: Int, in bytes: Span<UInt8>) -> Int {
        var rest = requests
        var index = 0
        while let feed = lineFeed(in: bytes, from: index) {
            index = feed + 1
            guard feed >= 3, isEmptyLine(at: feed, in: bytes) else { continue }
            rest -= 1
            if rest == 0 { return index }
        }
        return bytes.count
    }

    /// Whether the byte at `feed`, which three others stand before, ends an empty line.
    private static func isEmptyLine(at feed: Int, in bytes: Span<UInt8>) -> Bool {
        bytes[feed] == 0x0a && bytes[feed - 1] == 0x0d && bytes[feed - 2] == 0x0a && bytes[feed - 3] == 0x0d
    }

    /// The first line feed at `start` or behind it.
    private static func lineFeed(in bytes: Span<UInt8>, from start: Int) -> Int? {
        // Safe: the buffer lives as long as the closure runs, and what is found lies in it.
        unsafe bytes.withUnsafeBytes { all in
            guard start < all.count, let first = all.baseAddress else { return nil }
            let found = unsafe memchr(first + start, 0x0a, all.count - start)
            return unsafe found.map { unsafe UnsafeRawPointer($0) - first }
        }
    }
}

/// Answers in the place of whoever is asked, where no request could be read: a refusal that is sent after the responses
/// to the requests before it, and that no request can bring about. It counts against the rate of its client like any
/// request.
struct UnreadableRequests {
    let sink: HTTP1ResponseSink
    /// Nil where nothing is counted.
    let reads: ReadPath?
    let now: @Sendable () -> Timestamp

    func refuse(_ failure: ConnectionFailure) {
        var problem = failure.problem
        if let gate = reads?.gate {
            let client = gate.payer(peer: sink.peer) { _ in nil }.client
            do { try gate.admit(nil, from: client) } catch { problem = error }
        }
        let bytes = sink.refuse(problem, isHead: false, now: now())
        reads?.observer.note(
            AnsweredRequest(
                route: .other, method: nil, status: problem.status.code, refusal: problem.code, sentBytes: Int64(bytes),
                time: .zero, client: sink.peer))
    }
}

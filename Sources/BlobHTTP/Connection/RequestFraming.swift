import Blobs
import NIOHTTP1
import Store

/// What of a request head bears on its framing, on its connection and on reading a blob: gathered in one pass, since
/// nearly every request is small.
struct RequestFraming {
    private var hosts = 0
    private var lengths = 0
    private var contentLength: String?
    private var encodings = 0
    private var transferEncoding: String?
    private var hasUpgrade = false
    private(set) var hasExpectation = false
    private(set) var expectsContinue = false
    private var range: String?
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
            hasExpectation = true
            if value.lowercased() == "100-continue" { expectsContinue = true }
        case 7 where name.means("upgrade"): hasUpgrade = true
        case 8 where name.means("if-match"): preconditions.ifMatch = preconditions.ifMatch.joined(value)
        case 8 where name.means("if-range"): preconditions.ifRange = preconditions.ifRange.joined(value)
        case 13 where name.means("if-none-match"):
            preconditions.ifNoneMatch = preconditions.ifNoneMatch.joined(value)
        case 14 where name.means("content-length"):
            lengths += 1
            contentLength = value
        case 17 where name.means("transfer-encoding"):
            encodings += 1
            transferEncoding = value
        default: break
        }
    }

    /// What HTTP/1.1 leaves open to two readings, and is therefore refused (RFC 9112 §3.2, §6.1, §6.3, §11.2): why
    /// this head cannot be trusted; nil if it can. The decoder refuses most of it first.
    var fault: String? {
        if hosts > 1 || hosts == 0 && head.version != .http1_0 { return "It must have one Host field." }
        if encodings == 0 { return lengths > 1 ? "It has two Content-Length fields." : nil }
        if lengths > 0 { return "It has both Content-Length and Transfer-Encoding." }
        if head.version == .http1_0 { return "Transfer-Encoding is unknown to HTTP/1.0." }
        return encodings == 1 && transferEncoding?.lowercased() == "chunked"
            ? nil : "The only Transfer-Encoding taken is chunked."
    }

    /// Whether the connection can serve another request: not after one that would leave HTTP, since its bytes could
    /// be taken for either protocol.
    var keepsAlive: Bool { head.isKeepAlive && head.method != .CONNECT && !hasUpgrade }

    /// The blob that is read, and what is asked of it; nil for every other request.
    var blobRequest: (address: BlobAddress, question: BlobQuestion)? {
        guard head.method == .GET || head.method == .HEAD, encodings == 0, !hasExpectation,
            contentLength == nil || contentLength == "0", let address = Route.blob(inTarget: head.uri)
        else { return nil }
        return (address, BlobQuestion(isHead: head.method == .HEAD, range: range, preconditions: preconditions))
    }
}

extension String {
    /// Whether this field name is `name`, which is in lower case (RFC 9110 §5.1).
    fileprivate func means(_ name: StaticString) -> Bool {
        // Safe: a static string's bytes never go.
        let expected = unsafe UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return unsafe utf8.elementsEqual(expected) { $0 | ($0 >= 0x41 && $0 <= 0x5a ? 0x20 : 0) == $1 }
    }
}

extension String {
    /// A value as it was meant: the decoder leaves blanks between it and its line end (RFC 9112 §5.1).
    fileprivate var withoutBlanksBehind: String {
        utf8.last == 0x20 || utf8.last == 0x09 ? String(Substring(utf8.trimmingBlanks())) : self
    }
}

extension String? {
    /// The value of a field that came more than once (RFC 9110 §5.3).
    fileprivate func joined(_ value: String) -> String { map { "\($0), \(value)" } ?? value }
}

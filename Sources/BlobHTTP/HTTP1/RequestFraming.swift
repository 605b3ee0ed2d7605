import Blobs
import HTTPTypes
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

    /// The blob that is asked for; nil for every request that is not a read.
    var readRequest: ReadRequest? {
        guard head.method == .GET || head.method == .HEAD, let address = Route.blob(inTarget: head.uri) else {
            return nil
        }
        let hasBody = encodings > 0 || contentLength != nil && contentLength != "0"
        return ReadRequest(
            address, isHead: head.method == .HEAD, range: range, preconditions: preconditions,
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

/// A request in the place of one that could not be read. It passes through the queue of requests like any other, so
/// that its refusal is sent after the responses to those before it. No client can send it: the decoder accepts no
/// method of this name.
enum SyntheticErrorRequest {
    private static let method = "UNREADABLE"

    /// The failures to read a head, each with a path.
    private static let failures: [(path: String, failure: ConnectionFailure)] = [
        ("/header-too-large", .headerTooLarge), ("/slow-header", .slowHeader),
    ]

    static func head(for failure: ConnectionFailure) -> HTTPRequestHead {
        var path = failures.first { $0.failure == failure }?.path ?? "/malformed"
        var headers = HTTPHeaders()
        if case .malformed(let why) = failure {
            path = "/malformed"
            headers.add(name: "X-Reason", value: why)
        }
        return HTTPRequestHead(version: .http1_1, method: .RAW(value: method), uri: path, headers: headers)
    }

    /// What went wrong with the request that `request` replaces; nil for a client's own.
    static func failure(in request: HTTPRequest) -> ConnectionFailure? {
        guard request.method.rawValue == method else { return nil }
        return failures.first { $0.path == request.path }?.failure
            ?? .malformed(request.headerFields[.xReason] ?? "It cannot be parsed as HTTP/1.1.")
    }
}

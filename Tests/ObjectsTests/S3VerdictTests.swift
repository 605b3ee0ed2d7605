import Blobs
import HTTPTypes
import Testing

@testable import Objects

@Suite struct S3VerdictTests {
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"

    /// What a verdict is about, without its words.
    private static func kind(_ verdict: S3Verdict) -> String {
        switch verdict {
        case .done: "done"
        case .absent: "absent"
        case .beyond: "beyond"
        case .again(.overloaded(let seconds)): "overloaded \(seconds.map { "\($0)" } ?? "-")"
        case .again(.broken): "broken"
        case .again(.nonsense): "nonsense"
        case .skewed(let time): "skewed \(time.seconds)"
        case .end(.full): "full"
        case .end(.refused): "refused"
        case .end(.unavailable), .end(.failed): "end"
        }
    }

    @Test(
        arguments: [
            (.put, 200, nil, "done"), (.put, 204, nil, "nonsense"), (.put, 206, nil, "nonsense"),
            (.put, 200, "InternalError", "nonsense"), (.put, 200, "SlowDown", "overloaded 7"),
            (.put, 404, "NoSuchKey", "nonsense"), (.remove, 404, "NoSuchKey", "nonsense"),
            (.get, 200, nil, "done"), (.get, 206, nil, "done"), (.get, 404, "NoSuchKey", "absent"),
            (.get, 404, nil, "nonsense"), (.get, 404, "NoSuchBucket", "refused"), (.get, 404, "NotFound", "nonsense"),
            (.get, 416, "InvalidRange", "beyond"), (.put, 416, nil, "refused"), (.size, 200, nil, "done"),
            (.size, 404, nil, "absent"), (.size, 403, nil, "absent"), (.size, 400, nil, "absent"),
            (.size, 500, nil, "broken"), (.size, 429, nil, "overloaded 7"), (.remove, 200, nil, "done"),
            (.remove, 204, nil, "done"),
            (.list, 404, "NoSuchBucket", "refused"), (.list, 200, nil, "done"),
            (.put, 500, "InternalError", "broken"), (.put, 502, nil, "broken"), (.put, 504, nil, "broken"),
            (.put, 503, nil, "overloaded 7"), (.put, 503, "SlowDown", "overloaded 7"), (.get, 429, nil, "overloaded 7"),
            (.put, 400, "RequestTimeout", "broken"), (.put, 408, nil, "broken"),
            (.put, 400, "IncompleteBody", "broken"),
            (.put, 400, "BadDigest", "broken"), (.put, 400, "XAmzContentSHA256Mismatch", "broken"),
            (.put, 409, "OperationAborted", "broken"), (.put, 400, "InvalidRequest", "refused"),
            (.put, 501, nil, "refused"),
            (.put, 507, nil, "full"), (.put, 403, "QuotaExceeded", "full"), (.put, 403, "AccessDenied", "refused"),
            (.put, 403, "SignatureDoesNotMatch", "refused"), (.put, 403, nil, "refused"), (.put, 401, nil, "refused"),
            (.put, 403, "RequestTimeTooSkewed", "skewed 784111777"), (.get, 301, "PermanentRedirect", "refused"),
            (.get, 307, nil, "refused"), (.put, 405, "MethodNotAllowed", "refused"),
        ] as [(S3Request.Kind, Int, String?, String)])
    func `each answer means one thing`(_ request: S3Request.Kind, _ status: Int, _ code: String?, _ expected: String) {
        let fields: HTTPFields = [.retryAfter: "7", .date: Self.date]
        #expect(Self.kind(S3Verdict(request, status: status, code: code, fields: fields)) == expected)
    }

    @Test func `without Retry-After, or with another one than seconds, nobody knows how long to wait`() {
        for fields in [[:], [.retryAfter: Self.date], [.retryAfter: "-1"]] as [HTTPFields] {
            #expect(
                S3Verdict(.put, status: 503, code: nil, fields: fields) == .again(.overloaded(retryAfterSeconds: nil)))
        }
        #expect(
            S3Verdict(.put, status: 503, code: nil, fields: [.retryAfter: "99999999999999999999"])
                == .again(.overloaded(retryAfterSeconds: .max)))
    }

    @Test func `another clock is of no use where the store does not tell its own`() {
        #expect(Self.kind(S3Verdict(.put, status: 403, code: "RequestTimeTooSkewed", fields: [:])) == "refused")
    }

    @Test func `what an object holds is never taken for an error`() {
        let body = Array("<Error><Code>NoSuchKey</Code></Error>".utf8)
        let answer = { (status: Int) in S3Answer(status: status, fields: [:], body: body, contentLength: nil) }
        #expect(S3Verdict(.get, answer(200)) == .done)
        #expect(S3Verdict(.get, answer(404)) == .absent)
        #expect(Self.kind(S3Verdict(.put, answer(200))) == "nonsense")
    }
}

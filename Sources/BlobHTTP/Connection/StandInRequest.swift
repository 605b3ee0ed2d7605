import HTTPTypes
import NIOHTTP1

/// The request that stands for one that could not be read. It passes through the queue of requests like any other, so
/// that its refusal goes out behind the answers of those before it. Its method is one that the decoder knows no
/// spelling of, so no client can send it.
enum StandInRequest {
    private static let method = "UNREADABLE"

    /// Any failure of reading a head, as a path.
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

    /// What went wrong with the request that `request` stands for; nil if it is a client's own.
    static func failure(in request: HTTPRequest) -> ConnectionFailure? {
        guard request.method.rawValue == method else { return nil }
        return failures.first { $0.path == request.path }?.failure
            ?? .malformed(request.headerFields[.xReason] ?? "It does not parse as HTTP/1.1.")
    }
}

import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Store
import Telemetry

extension BlobResponder {
    /// Responses up to this size are handed over in one piece; longer ones are counted as they are sent.
    private static let pieceBytes = 64 * 1024

    /// Reports this response to the observer: at once, or when the last of a long body has been written or the client
    /// is gone.
    func observed(
        _ response: Response, to request: Request, _ method: HTTPRequest.Method, _ route: Route?,
        from client: ClientAddress, since start: ContinuousClock.Instant
    ) -> Response {
        var facts = AnsweredRequest(
            route: route?.routeClass(of: request.method) ?? .other, method: request.method,
            status: response.status.code,
            refusal: response.headers[.xReason].flatMap { Problem.Code(rawValue: $0) }, time: .zero,
            blob: route?.blob, client: client)
        if route?.takesBytes(by: method) == true, response.status.kind == .successful {
            facts.receivedBytes = request.headers[.contentLength].flatMap { Int64($0) } ?? 0
        }
        let length = request.method == .head ? 0 : response.body.contentLength
        if let length, length <= Self.pieceBytes {
            facts.sentBytes = Int64(length)
            facts.time = ContinuousClock.now - start
            observer.note(facts)
            return response
        }
        var response = response
        response.body = counted(response.body, facts, since: start)
        return response
    }

    private func counted(
        _ body: ResponseBody, _ facts: AnsweredRequest, since start: ContinuousClock.Instant
    ) -> ResponseBody {
        ResponseBody(contentLength: body.contentLength) { [observer] writer in
            let sent = SentBytes()
            defer {
                var facts = facts
                facts.sentBytes = Int64(sent.counter.value)
                facts.time = ContinuousClock.now - start
                observer.note(facts)
            }
            let counting = body.map { buffer in
                sent.counter.add(buffer.readableBytes)
                return buffer
            }
            try await counting.write(writer)
        }
    }
}

/// Bytes of one response that were written so far.
private final class SentBytes: Sendable {
    let counter = Counter()
}

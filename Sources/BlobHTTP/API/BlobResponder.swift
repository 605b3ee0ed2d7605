import Blobs
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Store
import Telemetry
import Tickets

/// The API, except for reading blobs: finds out what a request asks for, has it done, and turns the outcome into a
/// response.
struct BlobResponder {
    let reads: any BlobStore
    let writes: WriteAccess
    /// Takes what the store knows nothing of to the server that is drained; nil where none is.
    let drained: (any RequestForwarder)?
    let publicURL: PublicURLBox
    /// Where else clients find blobs.
    let mirrors: [PublicURL]
    let gate: Gate
    /// What edges follow, if this server offers it.
    let changes: (any ChangeFeed)?
    /// What it has for browsers.
    let pages: PageShelf
    let sends104: Bool
    let observer: RequestObserver

    /// Whatever goes wrong is a response too; a throw ends the connection.
    func respond(to request: Request, in context: RequestScope) async throws -> Response {
        let start = ContinuousClock.now
        let route = request.head.path.flatMap { servedRoute($0, isForPerson: request.headers.acceptsPage) }
        let method = route?.method(of: request.head) ?? request.method
        let payer = gate.payer(peer: context.peer) { request.headers[$0] }
        if payer.isEdge { context.releaseShare() }
        let counted = payer.client
        let client = counted ?? context.peer
        var response: Response
        do {
            try gate.admit(route, from: counted)
            response = try await answer(request, method, route, counted, context)
        } catch {
            response = Response(
                ShortAnswer(refusing: error, of: request.method, from: client, logger: context.logger))
            // The client may still be sending, and none of it is wanted.
            if route?.takesBytes(by: method) == true { response.headers[.connection] = "close" }
            if case .store = writes { response.addUploadFields(of: error, request, route) }
        }
        for field in crossOriginFields(request, route) where !response.headers.contains(field.name) {
            response.headers.append(field)
        }
        if request.method == .head { response = response.createHeadResponse() }
        return observed(response, to: request, method, route, from: client, since: start)
    }

    /// What a target names here: without keys of edges there is no feed, not every server has every page, a page that only
    /// tells of a mistake is for people, and nothing is below a door that is not there.
    private func servedRoute(_ target: String, isForPerson: Bool) -> Route? {
        switch Route(target: target) {
        case .changes where gate.edges == nil || changes == nil: nil
        case .page(let page) where pages[page] == nil || page == .cut && !isForPerson: nil
        case .slot(let door, _) where !serves(door: door): nil
        case let route: route
        }
    }

    /// Another server knows its own doors.
    private func serves(door: String) -> Bool {
        switch writes {
        case .store: gate.slots?.doors.contains(door) ?? false
        case .forwarded: true
        case .refused: false
        }
    }

    private func answer(
        _ request: Request, _ method: HTTPRequest.Method, _ route: Route?, _ counted: ClientAddress?,
        _ context: RequestScope
    ) async throws -> Response {
        guard let path = request.head.path, path.hasPrefix("/") || path == "*" else {
            throw Problem(.badRequest, detail: "The request target must be a path.")
        }
        guard let route else { throw Problem(.notFound) }
        guard let operation = route.operation(of: method) else {
            throw Problem(.methodNotAllowed, fields: [.allow: allow(at: route)])
        }
        if let expectation = request.headers[.expect], expectation.lowercased() != "100-continue" {
            throw Problem(.badExpectation)
        }
        switch operation {
        case .followChanges: return try followChanges(request, context)
        case .showPage(let page): return try show(page, request, counted)
        case .health: return .plain("ok\n")
        case .readiness: return try await readiness()
        case .describe where !isForwarded(preflight: request, at: route): return preflight(request, route)
        case .read:
            // Blobs are read on the event loop, so only a target that the codec took for another comes here.
            throw Problem(.badRequest, detail: "The request target must be a path.")
        case .readSlot(nil): throw Problem(.notFound)
        case .describe, .upload, .previewUpload, .createUpload, .showUpload, .appendUpload, .cancelUpload, .addLease,
            .showLease, .renew, .revoke, .confirmDelivery, .showQuota, .fillSlot, .readSlot:
            return try await write(operation, request, counted, context)
        }
    }

    private func write(
        _ operation: Operation, _ request: Request, _ counted: ClientAddress?, _ context: RequestScope
    ) async throws -> Response {
        let client = counted ?? context.peer
        switch writes {
        case .refused: throw Problem(.readOnly)
        case .forwarded(let forwarder): return try await forwarder.forward(request, from: client, in: context)
        case .store(let store):
            let authorized = try await gate.authorize(
                operation, request.head, from: client, counted: counted, own: publicURL.value, now: store.now())
            let places = BlobPlaces(publicURL: publicURL.value, mirrors: mirrors)
            let handler = StoreHandler(store: store, places: places, gate: gate, sends104: sends104)
            guard let drained else { return try await handler.answer(operation, request, authorized, context) }
            return try await DrainedRequests(store: store, forwarder: drained)
                .answer(operation, request, from: client, in: context) {
                    try await handler.answer(operation, request, authorized, context)
                }
        }
    }

    /// `GET /changes`. What does not say where to read on is lost.
    private func followChanges(_ request: Request, _ context: RequestScope) throws(Problem) -> Response {
        let isStillAdmitted = try gate.admitEdge(request.headers)
        guard let changes else { throw Problem(.notFound) }
        let position = Route.query("after", of: request.head.path ?? "").flatMap { ChangePosition($0) }
        let stream = ChangeStream(changes, after: position, isStillAdmitted: isStillAdmitted)
        return Response(stream, on: context.channel)
    }

    /// One of the pages. Its bytes count against the rate of the client, as those of a blob do.
    private func show(
        _ page: Route.BrowserPage, _ request: Request, _ counted: ClientAddress?
    ) throws(Problem) -> Response {
        guard let page = pages[page] else { throw Problem(.notFound) }
        let response = try page.response(to: request.headers)
        if request.method == .get, let counted {
            gate.limiter.spend(Int64(response.body.contentLength ?? 0), by: counted)
        }
        return response
    }

    private func readiness() async throws -> Response {
        guard await writes.unreadiness(or: reads) == nil else {
            throw Problem(.unavailable, retryAfterSeconds: Problem.pauseSeconds)
        }
        return .plain(drained == nil ? "ready\n" : "ready, draining\n")
    }
}

// MARK: Methods and pages of other origins

extension BlobResponder {
    /// What every response to this route and method says to pages of other origins. Of a request that is forwarded, the
    /// other server says so.
    private func crossOriginFields(_ request: Request, _ route: Route?) -> HTTPFields {
        guard let route, request.method != .options else { return route == nil ? CrossOrigin.readFields : [:] }
        let purpose = route.purpose(of: request.method)
        if purpose != .read, case .forwarded = writes { return [:] }
        return gate.crossOrigin(own: publicURL.value).fields(for: purpose, origin: request.headers[.origin])
    }

    private func purpose(ofPreflight request: Request, at route: Route) -> CrossOrigin.Purpose {
        let asked = request.headers[.accessControlRequestMethod].flatMap { HTTPRequest.Method($0) }
        return route.purpose(of: asked ?? .get)
    }

    private func isForwarded(preflight request: Request, at route: Route) -> Bool {
        guard case .forwarded = writes else { return false }
        return purpose(ofPreflight: request, at: route) != .read
    }

    private func preflight(_ request: Request, _ route: Route) -> Response {
        let purpose = purpose(ofPreflight: request, at: route)
        let methods = methods(at: route).filter { $0 != .options && route.purpose(of: $0) == purpose }
        var fields = gate.crossOrigin(own: publicURL.value).preflightFields(
            for: purpose, origin: request.headers[.origin], methods: methods)
        fields[.allow] = allow(at: route)
        if case .store(let store) = writes {
            fields.append(contentsOf: route.uploadOffer(blobLimitBytes: store.blobLimitBytes))
        }
        fields[.cacheControl] = "no-store"
        return Response(status: .noContent, headers: fields)
    }

    /// The methods that are allowed here and that this server does not refuse.
    private func methods(at route: Route) -> [HTTPRequest.Method] {
        guard case .refused = writes else { return route.methods }
        return route.methods.filter { route.operation(of: $0)?.needsWrites == false }
    }

    private func allow(at route: Route) -> String { methods(at: route).map(\.rawValue).joined(separator: ", ") }
}

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
            blob: route?.blob, slot: route?.slot, client: client)
        if method == .put, case .slot(let door, _)? = route, case .store = writes {
            observer.note(uploadAt: door, refusal: facts.refusal)
        }
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

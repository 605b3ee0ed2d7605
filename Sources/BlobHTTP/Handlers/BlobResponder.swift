import Blobs
import HTTPTypes
package import Hummingbird
import Logging
import Store

/// The API: finds what a request names, does it on a store, and turns whatever happens into an answer.
package struct BlobResponder: HTTPResponder {
    package typealias Context = RequestScope

    let store: any ResumableStore
    let publicURL: PublicURLBox
    let gate: Gate
    /// The longest that caches may keep a blob's answer.
    let cacheSeconds: Int64
    let watch: RequestWatch

    init(store: any ResumableStore, publicURL: PublicURLBox, gate: Gate, cacheSeconds: Int64, watch: RequestWatch) {
        self.store = store
        self.publicURL = publicURL
        self.gate = gate
        self.cacheSeconds = cacheSeconds
        self.watch = watch
    }

    package func respond(to request: Request, context: RequestScope) async throws -> Response {
        let start = ContinuousClock.now
        let route = request.head.path.flatMap { Route(target: $0) }
        let method = route.map { UploadDialects.method(of: request.head, at: $0) } ?? request.method
        let client = gate.client(of: request.head, from: context.peer)
        var response: Response
        do {
            response = try await answer(request, method, route, client, context)
        } catch {
            response = refuse(error, request, client, context)
            // The client may be sending still, and none of it is wanted.
            if route?.takesBytes(by: method) == true { response.headers[.connection] = "close" }
            addRefusalFields(to: &response, error, request, route)
        }
        for field in crossOriginFields(request, route) where !response.headers.contains(field.name) {
            response.headers.append(field)
        }
        if request.method == .head { response = response.createHeadResponse() }
        return watched(response, to: request, method, route, from: client, since: start)
    }

    private func answer(
        _ request: Request, _ method: HTTPRequest.Method, _ route: Route?, _ client: ClientAddress,
        _ context: RequestScope
    ) async throws -> Response {
        if let failure = StandInRequest.failure(in: request.head) { throw failure }
        guard let path = request.head.path, path.hasPrefix("/") || path == "*" else {
            throw Problem(.badRequest, detail: "The request target must be a path.")
        }
        guard let route else { throw Problem(.notFound) }
        guard let operation = route.operation(of: method) else {
            throw Problem(.methodNotAllowed, fields: [.allow: route.allow])
        }
        if let expectation = request.headers[.expect], expectation.lowercased() != "100-continue" {
            throw Problem(.badExpectation)
        }
        let pass = try await gate.admit(
            operation, request.head, from: client, own: publicURL.value, now: store.now())
        switch operation {
        case .read(let address): return try await read(address, request, pass, context)
        case .revoke(let address): return try await revoke(address, pass)
        case .showLease(let address): return try await lease(address, pass)
        case .renew(let address): return try await renew(address, request, pass)
        case .hold(let address): return try await hold(address, request, pass)
        case .confirmDelivery(let address, let recipient):
            return try await confirmDelivery(of: address, to: recipient, pass)
        case .upload: return try await upload(request, pass, context)
        case .previewUpload: return try await preview(request, pass)
        case .createUpload: return try await create(request, TusDialect(), pass, context)
        case .showUpload(let id): return try await show(id, request, pass)
        case .appendUpload(let id): return try await append(to: id, request, pass, context)
        case .cancelUpload(let id): return try await cancel(id, request, pass)
        case .showQuota: return .json(QuotaDocument(try await store.holdings(of: pass.subject)))
        case .openPage: return OpenPage.response
        case .health: return .plain("ok\n")
        case .readiness: return try await readiness()
        case .describe: return preflight(request, route)
        }
    }

    /// What every answer to this route and method says to pages of other origins.
    private func crossOriginFields(_ request: Request, _ route: Route?) -> HTTPFields {
        guard let route, request.method != .options else { return route == nil ? CrossOrigin.readFields : [:] }
        return crossOrigin.fields(for: route.purpose(of: request.method), origin: request.headers[.origin])
    }

    private func preflight(_ request: Request, _ route: Route) -> Response {
        let asked = request.headers[.accessControlRequestMethod].flatMap { HTTPRequest.Method($0) }
        let purpose = route.purpose(of: asked ?? .get)
        let methods = route.methods.filter { $0 != .options && route.purpose(of: $0) == purpose }
        var fields = crossOrigin.preflightFields(
            for: purpose, origin: request.headers[.origin], methods: methods)
        fields[.allow] = route.allow
        fields.append(contentsOf: offer(at: route))
        fields[.cacheControl] = "no-store"
        return Response(status: .noContent, headers: fields)
    }

    private var crossOrigin: CrossOrigin { gate.crossOrigin(own: publicURL.value) }

    private func readiness() async throws -> Response {
        guard await store.unreadiness() == nil else {
            throw Problem(.unavailable, retryAfterSeconds: Problem.pauseSeconds)
        }
        return .plain("ready\n")
    }

    /// The answer to a request that failed, and a line in the log where the fault may be ours.
    private func refuse(
        _ error: any Error, _ request: Request, _ client: ClientAddress, _ context: RequestScope
    ) -> Response {
        var facts: Logger.Metadata = ["client": "\(client.abbreviated)", "method": "\(request.method)"]
        switch error {
        case let problem as Problem: return Response(problem)
        case let failure as ConnectionFailure: return Response(failure.problem, closes: true)
        case let error as StoreError:
            facts["error"] = "\(error)"
            switch error {
            case .io, .outcomeUnknown: context.logger.error("The store failed", metadata: facts)
            case .unavailable, .diskFull: context.logger.warning("The store refused", metadata: facts)
            default: break
            }
            return Response(Problem(storeError: error))
        default:
            facts["error"] = "\(type(of: error))"
            context.logger.error("A request failed unexpectedly", metadata: facts)
            return Response(Problem(.unavailable, retryAfterSeconds: Problem.pauseSeconds), closes: true)
        }
    }
}

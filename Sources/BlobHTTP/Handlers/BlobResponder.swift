package import Blobs
import HTTPTypes
package import Hummingbird
import Logging

/// The API: finds what a request names, does it on a store, and turns whatever happens into an answer.
package struct BlobResponder: HTTPResponder {
    package typealias Context = RequestScope

    let store: any LeaseStore
    let publicURL: PublicURLBox
    let admission: WriteAdmission
    /// The longest that caches may keep a blob's answer.
    let cacheSeconds: Int64

    package init(
        store: any LeaseStore, publicURL: PublicURLBox, admission: WriteAdmission, cacheSeconds: Int64
    ) {
        self.store = store
        self.publicURL = publicURL
        self.admission = admission
        self.cacheSeconds = cacheSeconds
    }

    package func respond(to request: Request, context: RequestScope) async throws -> Response {
        let route = request.head.path.flatMap { Route(target: $0) }
        var response: Response
        do {
            response = try await answer(request, route, context)
        } catch {
            response = refuse(error, request, context)
            // The client may be sending still, and none of it is wanted.
            if route == .upload, request.method == .put { response.headers[.connection] = "close" }
        }
        for field in crossOriginFields(request, route) where !response.headers.contains(field.name) {
            response.headers.append(field)
        }
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request, _ route: Route?, _ context: RequestScope) async throws -> Response {
        if let failure = StandInRequest.failure(in: request.head) { throw failure }
        guard let path = request.head.path, path.hasPrefix("/") || path == "*" else {
            throw Problem(.badRequest, detail: "The request target must be a path.")
        }
        guard let route else { throw Problem(.notFound) }
        guard route.methods.contains(request.method) else {
            throw Problem(.methodNotAllowed, fields: [.allow: route.allow])
        }
        if let expectation = request.headers[.expect], expectation.lowercased() != "100-continue" {
            throw Problem(.badExpectation)
        }
        if request.method == .options { return preflight(request, route) }
        switch (route, request.method) {
        case (.blob(let address), .delete): return try await revoke(address, request)
        case (.blob(let address), _): return try await read(address, request, context)
        case (.lease(let address), .patch): return try await renew(address, request)
        case (.lease(let address), _): return try await lease(address, request)
        case (.leases(let address), _): return try await hold(address, request, context)
        case (.receipt(let address, let recipient), _):
            return try await confirmDelivery(of: address, to: recipient, request)
        case (.upload, .head): return try await preview(request, context)
        case (.upload, _): return try await upload(request, context)
        case (.openPage, _): return OpenPage.response
        case (.health, _): return .plain("ok\n")
        case (.readiness, _): return try await readiness()
        case (.server, _): throw Problem(.methodNotAllowed, fields: [.allow: route.allow])
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
        fields[.cacheControl] = "no-store"
        return Response(status: .noContent, headers: fields)
    }

    private var crossOrigin: CrossOrigin { CrossOrigin(writers: .only(origin: publicURL.value.origin)) }

    private func readiness() async throws -> Response {
        guard await store.unreadiness() == nil else {
            throw Problem(.unavailable, retryAfterSeconds: Problem.pauseSeconds)
        }
        return .plain("ready\n")
    }

    /// Judges a write of this request.
    func admit(_ request: Request) throws(Problem) {
        try admission.judge(host: request.head.authority, fields: request.headers, own: publicURL.value)
    }

    /// The answer to a request that failed, and a line in the log where the fault may be ours.
    private func refuse(_ error: any Error, _ request: Request, _ context: RequestScope) -> Response {
        var facts: Logger.Metadata = ["client": "\(context.client.abbreviated)", "method": "\(request.method)"]
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

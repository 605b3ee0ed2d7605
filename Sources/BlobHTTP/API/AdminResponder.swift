package import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Store
import Telemetry

/// Serves an operator's tools on a listener that strangers cannot reach: health in detail, and metrics.
struct AdminResponder {
    /// Where requests come in.
    let listening: Authority
    let reads: any BlobStore
    let writes: WriteAccess
    /// Whether another server is being drained.
    let isDraining: Bool
    let publicURL: PublicURLBox
    let gcStatus: @Sendable () -> GCStatus
    let meters: Meters
    let readings: @Sendable () async -> Readings

    func respond(to request: Request, in context: RequestScope) async -> Response {
        let response = await answer(request)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request) async -> Response {
        if let refusal = AdminAccess.refusal(host: request.head.authority, listening: listening) {
            return Response(refusal)
        }
        let isMetrics = request.head.path?.prefix { $0 != "?" } == "/metrics"
        let route = request.head.path.flatMap { Route(target: $0) }
        guard isMetrics || route == .health || route == .readiness else { return Response(Problem(.notFound)) }
        guard request.method == .get || request.method == .head else {
            return Response(Problem(.methodNotAllowed, fields: [.allow: "GET, HEAD"]))
        }
        return isMetrics ? await metrics() : await health(strictly: route == .readiness)
    }

    private func metrics() async -> Response {
        let text = MetricText.render(meters, await readings())
        return Response(
            status: .ok, headers: [.contentType: MetricText.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// Health in detail; `strictly`, an error where the store cannot do its work.
    private func health(strictly: Bool) async -> Response {
        let why = await writes.unreadiness(or: reads)
        let gc = gcStatus()
        if strictly, let why {
            return Response(Problem(.unavailable, detail: why, retryAfterSeconds: Problem.pauseSeconds))
        }
        return .json(
            HealthDocument(
                status: "ok", ready: why == nil, unreadiness: why, draining: isDraining ? true : nil,
                publicURL: "\(publicURL.value)", time: reads.now().seconds, sweepHeldBack: gc.heldBack,
                sweepsHeldBack: gc.holdCount))
    }
}

/// Who may ask on the listener for operators.
package enum AdminAccess {
    /// Nil for whoever may; `host` is the Host field. On loopback a Host that is another name points to a page whose name
    /// was made to lead here (DNS rebinding); no page can do without the field.
    package static func refusal(host: String?, listening: Authority) -> Problem? {
        guard listening.isLoopback, let host, !host.isEmpty else { return nil }
        return Authority(host)?.isLoopback == true ? nil : Problem(.misdirected)
    }
}

/// Health as reported by the admin listener.
private struct HealthDocument: Encodable {
    let status: String
    let ready: Bool
    let unreadiness: String?
    /// Absent where no other server is drained.
    let draining: Bool?
    let publicURL: String
    /// Seconds since 1970, as the store counts them.
    let time: Int64
    let sweepHeldBack: String?
    let sweepsHeldBack: Int

    private enum CodingKeys: String, CodingKey {
        case status, ready, unreadiness, draining, time
        case publicURL = "public_url"
        case sweepHeldBack = "sweep_held_back"
        case sweepsHeldBack = "sweeps_held_back"
    }
}

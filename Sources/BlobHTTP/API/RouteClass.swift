package import Telemetry

/// What a request was about, without saying which blob: the label that requests are counted under.
package enum RouteClass: Int, CaseIterable, Sendable {
    /// Reading a blob.
    case blob
    case upload
    /// Ending a lease.
    case revoke
    /// Reading, adding or renewing a lease.
    case lease
    /// Confirming delivery.
    case receipt
    /// Reading what is left of a quota.
    case quota
    /// The page where a pasted link lands.
    case page
    /// Health, readiness and metrics.
    case health
    /// Anything else.
    case other

    /// The label's text.
    package var name: String {
        switch self {
        case .blob: "blob"
        case .upload: "upload"
        case .revoke: "revoke"
        case .lease: "lease"
        case .receipt: "receipt"
        case .quota: "quota"
        case .page: "page"
        case .health: "health"
        case .other: "other"
        }
    }
}

extension RequestMeter {
    /// Counts one answered request.
    package borrowing func count(
        route: RouteClass, status: Int, receivedBytes: Int, sentBytes: Int, time: Duration
    ) {
        count(
            route: route.rawValue, status: status, receivedBytes: receivedBytes, sentBytes: sentBytes, time: time)
    }

    /// How many requests of `route` were answered with `status`.
    package borrowing func count(route: RouteClass, status: Int) -> Int {
        count(route: route.rawValue, status: status)
    }

    package borrowing func receivedBytes(route: RouteClass) -> Int { receivedBytes(route: route.rawValue) }

    package borrowing func sentBytes(route: RouteClass) -> Int { sentBytes(route: route.rawValue) }
}

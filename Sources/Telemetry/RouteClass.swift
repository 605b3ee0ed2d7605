/// What a request was about, without saying which blob: the label that requests are counted under.
package enum RouteClass: Int, CaseIterable, Sendable {
    /// Reading a blob.
    case blob
    case upload
    /// Ending a lease.
    case revoke
    /// Asking about, making or changing a lease.
    case lease
    /// Saying "delivered".
    case receipt
    /// Asking what is left of a limit.
    case quota
    /// The page where a pasted link lands.
    case page
    /// Health, readiness and metrics.
    case health
    /// Whatever names nothing.
    case other

    /// The text of the label.
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

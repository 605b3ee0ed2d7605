package import Blobs
package import HTTPTypes
import Store

extension Route {
    /// What a request to this route is counted as.
    package func routeClass(of method: HTTPRequest.Method) -> RouteClass {
        switch self {
        case .blob: method == .delete ? .revoke : .blob
        case .lease, .leases: .lease
        case .receipt: .receipt
        case .upload, .uploads, .resumable: .upload
        case .quota: .quota
        case .openPage: .page
        case .health, .readiness: .health
        case .server: .other
        }
    }

    /// The blob that it is about, if it is about one.
    package var blob: BlobAddress? {
        switch self {
        case .blob(let address), .lease(let address), .leases(let address), .receipt(let address, _): address
        case .upload, .uploads, .resumable, .quota, .openPage, .health, .readiness, .server: nil
        }
    }
}

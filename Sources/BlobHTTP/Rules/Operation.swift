package import Blobs
package import HTTPTypes
import Store

/// Everything that this API does: one case for what a method does at a route.
package enum Operation: Hashable, Sendable {
    case read(BlobAddress)
    case revoke(BlobAddress)
    case showLease(BlobAddress)
    case renew(BlobAddress)
    /// A lease on a blob that is held already.
    case addLease(BlobAddress)
    case confirmDelivery(BlobAddress, Recipient)
    case upload
    case previewUpload
    /// A resumable upload: begun, asked about, gone on with, given up.
    case createUpload
    case showUpload(UploadID)
    case appendUpload(UploadID)
    case cancelUpload(UploadID)
    case showQuota
    case openPage
    case health
    case readiness
    /// OPTIONS: what could be done here.
    case describe
}

extension Route {
    /// What `method` does here; nil where it does not apply.
    package func operation(of method: HTTPRequest.Method) -> Operation? {
        switch (self, method) {
        case (_, .options): .describe
        case (.blob(let address), .get), (.blob(let address), .head): .read(address)
        case (.blob(let address), .delete): .revoke(address)
        case (.lease(let address), .get), (.lease(let address), .head): .showLease(address)
        case (.lease(let address), .patch): .renew(address)
        case (.leases(let address), .post): .addLease(address)
        case (.receipt(let address, let recipient), .put): .confirmDelivery(address, recipient)
        case (.upload, .put), (.upload, .post): .upload
        case (.uploads, .post): .createUpload
        case (.resumable(let id), .head): .showUpload(id)
        case (.resumable(let id), .patch): .appendUpload(id)
        case (.resumable(let id), .delete): .cancelUpload(id)
        case (.upload, .head): .previewUpload
        case (.quota, .get), (.quota, .head): .showQuota
        case (.openPage, .get), (.openPage, .head): .openPage
        case (.health, .get), (.health, .head): .health
        case (.readiness, .get), (.readiness, .head): .readiness
        case (.blob, _), (.lease, _), (.leases, _), (.receipt, _), (.upload, _), (.uploads, _), (.resumable, _),
            (.quota, _), (.openPage, _), (.health, _), (.readiness, _), (.server, _):
            nil
        }
    }
}

extension Route {
    /// Whether such a request can have a body that is not read to its end when it is refused.
    func takesBytes(by method: HTTPRequest.Method) -> Bool {
        switch operation(of: method) {
        case .upload, .createUpload, .appendUpload: true
        default: false
        }
    }
}

package import Blobs
package import HTTPTypes
import Store

/// Everything that this API does: one case for each method of each route.
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
    /// A resumable upload: created, queried, continued, cancelled.
    case createUpload
    case showUpload(UploadID)
    case appendUpload(UploadID)
    case cancelUpload(UploadID)
    case showQuota
    /// A slot: uploaded to with the word of a chat server, and read by its name; nil for a malformed path.
    case fillSlot(SlotPath?)
    case readSlot(SlotPath?)
    /// Hearing of changes without end.
    case followChanges
    case showPage(Route.BrowserPage)
    case health
    case readiness
    /// OPTIONS: what is possible here.
    case describe
}

extension Route {
    /// What `method` does here; nil where it is not allowed.
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
        case (.slot(_, let path), .put): .fillSlot(path)
        case (.slot(_, let path), .get), (.slot(_, let path), .head): .readSlot(path)
        case (.changes, .get): .followChanges
        case (.page(let page), .get), (.page(let page), .head): .showPage(page)
        case (.health, .get), (.health, .head): .health
        case (.readiness, .get), (.readiness, .head): .readiness
        case (.blob, _), (.lease, _), (.leases, _), (.receipt, _), (.upload, _), (.uploads, _), (.resumable, _),
            (.quota, _), (.slot, _), (.changes, _), (.page, _), (.health, _), (.readiness, _), (.server, _):
            nil
        }
    }
}

extension Route {
    /// Whether a request with this method can have a body that is not read to its end when it is refused.
    func takesBytes(by method: HTTPRequest.Method) -> Bool {
        switch operation(of: method) {
        case .upload, .createUpload, .appendUpload, .fillSlot: true
        default: false
        }
    }
}
/// The credentials that an operation requires.
package struct RequiredCredentials: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// It changes something: where no ticket is asked for, pages of other origins may not do it.
    package static let change = RequiredCredentials(rawValue: 1)
    /// A ticket, unless the operator lets anybody upload; then pages of other origins may not do it.
    package static let ticket = RequiredCredentials(rawValue: 2)
    /// The secret of a lease.
    package static let secret = RequiredCredentials(rawValue: 4)
    /// The key of an edge.
    package static let edgeKey = RequiredCredentials(rawValue: 8)
    /// The word of a slot, which a chat server has signed.
    package static let slotWord = RequiredCredentials(rawValue: 16)
}

extension Operation {
    /// The table of the gate. It has no default: whatever is added to the API must say here what it needs.
    package var needs: RequiredCredentials {
        switch self {
        case .read, .readSlot, .showPage, .health, .readiness, .describe: []
        case .fillSlot: [.slotWord]
        case .upload, .previewUpload, .createUpload, .addLease: [.change, .ticket]
        // The id is the right. A ticket was asked for when the upload began, and may have ended since.
        case .showUpload, .appendUpload, .cancelUpload: [.change]
        case .renew: [.change, .ticket, .secret]
        case .revoke, .confirmDelivery: [.change, .secret]
        case .showLease: [.secret]
        case .showQuota: [.ticket]
        case .followChanges: [.edgeKey]
        }
    }

    /// Whether only a store that takes writes can do it: everything but reading, and what the server answers by itself.
    package var needsWrites: Bool {
        switch self {
        case .read, .followChanges, .showPage, .health, .readiness, .describe: false
        case .upload, .previewUpload, .createUpload, .showUpload, .appendUpload, .cancelUpload, .addLease, .renew,
            .revoke, .confirmDelivery, .showLease, .showQuota, .fillSlot, .readSlot:
            true
        }
    }
}

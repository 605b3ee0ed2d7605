import Blobs
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Store

/// Hands on to a server that is being drained what is about leases and uploads that only that one knows. The own store
/// comes first in everything, and what is new begins there.
struct DrainedRequests {
    let store: any LeaseStore
    /// Takes requests to the server that is drained.
    let forwarder: any RequestForwarder

    /// The response to an authorized request; `own` gives that of the own store.
    func answer(
        _ operation: Operation, _ request: Request, from client: ClientAddress, in scope: RequestScope,
        own: () async throws -> Response
    ) async throws -> Response {
        if let id = operation.upload {
            // Asked first: what has been read of a body cannot be handed on.
            return try await knows(id) ? try await own() : try await forwarder.forward(request, from: client, in: scope)
        }
        let response: Response
        do { response = try await own() } catch let error as StoreError {
            guard DrainRule.isElsewhere(operation, error), let address = operation.leasedBlob,
                !(try await store.isBanned(address))
            else { throw error }
            let there = try await forwarder.forward(request.withoutBody, from: client, in: scope)
            if DrainRule.tellsMore(there.status, there.headers[.xReason], than: error) { return there }
            throw error
        }
        if case .revoke = operation { await revokeElsewhere(request, from: client, in: scope) }
        return response
    }

    private func knows(_ id: UploadID) async throws(StoreError) -> Bool {
        do throws(StoreError) {
            _ = try await store.upload(id)
            return true
        } catch .notFound {
            return false
        }
    }

    /// A lease has been revoked here. Whoever sent the same upload to both servers, since an answer was lost while names
    /// moved, has one there too.
    private func revokeElsewhere(_ request: Request, from client: ClientAddress, in scope: RequestScope) async {
        do { _ = try await forwarder.forward(request.withoutBody, from: client, in: scope) } catch {
            scope.logger.warning("The server that is drained has not heard of a revocation")
        }
    }
}

/// What of a request about a lease goes on to a server that is drained, and which of two answers counts.
enum DrainRule {
    /// Whether the lease may be there, after the own store has said this. A blob that has ended here may have a lease there;
    /// what the operator has taken away is asked for nowhere.
    static func isElsewhere(_ operation: Operation, _ error: StoreError) -> Bool {
        switch (operation, error) {
        case (_, .gone(.removed)): false
        case (.addLease, .notFound), (.addLease, .gone): true
        case (.showLease, .notFound), (.showLease, .gone), (.showLease, .wrongSecret),
            (.renew, .notFound), (.renew, .gone), (.renew, .wrongSecret),
            (.revoke, .notFound), (.revoke, .gone), (.revoke, .wrongSecret),
            (.confirmDelivery, .notFound), (.confirmDelivery, .gone), (.confirmDelivery, .wrongSecret):
            true
        default: false
        }
    }

    /// Whether an answer from there, with this status and code, says more than the own refusal: unless it knows of no more
    /// than this store does.
    static func tellsMore(_ status: HTTPResponse.Status, _ code: String?, than error: StoreError) -> Bool {
        guard status.kind == .clientError, let code, let theirs = knowledge[code] else { return true }
        let own = knowledge[Problem(storeError: error).code.rawValue] ?? 0
        return theirs > own
    }

    /// How much is known of a blob where these are said of it.
    private static let knowledge = [
        Problem.Code.notFound.rawValue: 0, Problem.Code.gone.rawValue: 1, Problem.Code.wrongSecret.rawValue: 2,
    ]
}

extension Operation {
    /// The upload over several requests that it is about, if any.
    fileprivate var upload: UploadID? {
        switch self {
        case .showUpload(let id), .appendUpload(let id), .cancelUpload(let id): id
        default: nil
        }
    }

    /// The blob whose lease it is about, if any.
    fileprivate var leasedBlob: BlobAddress? {
        switch self {
        case .addLease(let address), .showLease(let address), .renew(let address), .revoke(let address),
            .confirmDelivery(let address, _):
            address
        default: nil
        }
    }
}

extension Request {
    /// The same with nothing behind its head, for what is all said there: the body stays for the server to read off.
    fileprivate var withoutBody: Request {
        var head = head
        head.headerFields[.transferEncoding] = nil
        head.headerFields[.expect] = nil
        head.headerFields[.contentLength] = "0"
        return Request(head: head, body: RequestBody(buffer: ByteBuffer()))
    }
}

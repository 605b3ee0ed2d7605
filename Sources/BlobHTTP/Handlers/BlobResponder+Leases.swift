import Blobs
import Hummingbird
import Store

extension BlobResponder {
    /// `GET /<sha256>/lease`.
    func lease(_ address: BlobAddress, _ pass: Pass) async throws -> Response {
        .json(LeaseDocument(try await store.lease(on: address, owner: try pass.secret)))
    }

    /// `PATCH /<sha256>/lease`.
    func renew(_ address: BlobAddress, _ request: Request, _ pass: Pass) async throws -> Response {
        let lifetime = try UploadFields.renewal(request.headers)
        // Without tickets the subject is an address, and a person's address changes.
        let subject = pass.ticket == nil ? nil : pass.subject
        let lease = try await store.renew(on: address, owner: try pass.secret, lifetime: lifetime, subject: subject)
        return .json(LeaseDocument(lease))
    }

    /// `POST /<sha256>/leases`.
    func hold(_ address: BlobAddress, _ request: Request, _ pass: Pass) async throws -> Response {
        let asked = try UploadFields.terms(request.headers, subject: pass.subject)
        let terms = try pass.permit(asked, on: address)
        return Response(created: try await store.hold(address, terms: terms), at: publicURL.value)
    }

    /// `DELETE /<sha256>`.
    func revoke(_ address: BlobAddress, _ pass: Pass) async throws -> Response {
        try await store.revoke(on: address, owner: try pass.secret)
        return .done
    }

    /// `PUT /<sha256>/receipts/<recipient>`.
    func confirmDelivery(of address: BlobAddress, to recipient: Recipient, _ pass: Pass) async throws -> Response {
        try await store.confirmDelivery(of: address, to: recipient, secret: try pass.secret)
        return .done
    }
}

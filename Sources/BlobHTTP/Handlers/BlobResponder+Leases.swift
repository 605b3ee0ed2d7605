import Blobs
import Hummingbird

extension BlobResponder {
    /// `GET /<sha256>/lease`.
    func lease(_ address: BlobAddress, _ request: Request) async throws -> Response {
        let secret = try UploadFields.secret(request.headers)
        return .json(LeaseDocument(try await store.lease(on: address, owner: secret)))
    }

    /// `PATCH /<sha256>/lease`.
    func renew(_ address: BlobAddress, _ request: Request) async throws -> Response {
        try admit(request)
        let secret = try UploadFields.secret(request.headers)
        let lifetime = try UploadFields.renewal(request.headers)
        // Without tickets the subject is an address, and a person's address changes.
        let lease = try await store.renew(on: address, owner: secret, lifetime: lifetime, subject: nil)
        return .json(LeaseDocument(lease))
    }

    /// `POST /<sha256>/leases`.
    func hold(_ address: BlobAddress, _ request: Request, _ context: RequestScope) async throws -> Response {
        try admit(request)
        let terms = try UploadFields.terms(request.headers, subject: context.client.subject)
        return Response(created: try await store.hold(address, terms: terms), at: publicURL.value)
    }

    /// `DELETE /<sha256>`.
    func revoke(_ address: BlobAddress, _ request: Request) async throws -> Response {
        try admit(request)
        let secret = try UploadFields.secret(request.headers)
        try await store.revoke(on: address, owner: secret)
        return .done
    }

    /// `PUT /<sha256>/receipts/<recipient>`.
    func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, _ request: Request
    ) async throws -> Response {
        try admit(request)
        let secret = try UploadFields.secret(request.headers)
        try await store.confirmDelivery(of: address, to: recipient, secret: secret)
        return .done
    }
}

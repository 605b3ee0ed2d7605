import Blobs
import Hummingbird

extension BlobResponder {
    /// `GET /<sha256>/lease`.
    func lease(_ address: BlobAddress, _ request: Request) async throws -> Response {
        let secret = try UploadFields.secret(request.headers)
        return .json(LeaseDocument(try await store.lease(on: address, owner: secret)))
    }

    /// `DELETE /<sha256>`.
    func revoke(_ address: BlobAddress, _ request: Request) async throws -> Response {
        try admit(request)
        let secret = try UploadFields.secret(request.headers)
        try await store.revoke(on: address, owner: secret)
        return Response(status: .noContent, headers: [.cacheControl: "no-store"])
    }
}

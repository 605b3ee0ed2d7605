import Blobs
import HTTPTypes
import Hummingbird
import NIOCore
import Store

extension BlobResponder {
    /// `HEAD /upload`: what `PUT /upload` would say before its first byte.
    func preview(_ request: Request, _ pass: Pass) async throws -> Response {
        let announcement = try UploadFields.announcement(head: request.headers, subject: pass.subject)
        try await store.preflight(try pass.permit(announcement))
        return Response(status: .ok, headers: [.cacheControl: "no-store"])
    }

    /// `PUT /upload`, or `POST`: a plain upload, or the beginning of a resumable one.
    func upload(_ request: Request, _ pass: Pass, _ context: RequestScope) async throws -> Response {
        if let dialect = DraftDialect(beginning: request.headers) {
            return try await create(request, dialect, pass, context)
        }
        try DraftDialect.judge(plain: request.headers)
        let announced = try UploadFields.announcement(put: request.headers, subject: pass.subject)
        let announcement = try pass.permit(announced)
        let session = try await store.begin(announcement)
        gate.count(announcement.size ?? 0, uploadedBy: pass)
        do {
            context.channel.triggerUserOutboundEvent(ProceedEvent(), promise: nil)
            let body = UploadBody(request.body, of: announcement.size, from: 0)
            guard try await body.pass(to: session) == announcement.size else { throw ConnectionFailure.disconnected }
            return Response(created: try await session.commit(), at: publicURL.value)
        } catch {
            await session.abandon()
            throw error is StoreError || error is ConnectionFailure ? error : ConnectionFailure.disconnected
        }
    }
}

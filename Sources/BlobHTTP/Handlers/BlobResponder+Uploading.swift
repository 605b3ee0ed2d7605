import Blobs
import HTTPTypes
import Hummingbird
import NIOCore

extension BlobResponder {
    /// Bytes handed to the store at a time.
    private static let pieceBytes = 256 * 1024

    /// `HEAD /upload`: what `PUT /upload` would say before its first byte.
    func preview(_ request: Request, _ pass: Pass) async throws -> Response {
        let announcement = try UploadFields.announcement(head: request.headers, subject: pass.subject)
        try await store.preflight(try pass.permit(announcement))
        return Response(status: .ok, headers: [.cacheControl: "no-store"])
    }

    /// `PUT /upload`.
    func upload(_ request: Request, _ pass: Pass, _ context: RequestScope) async throws -> Response {
        let announced = try UploadFields.announcement(put: request.headers, subject: pass.subject)
        let announcement = try pass.permit(announced)
        let session = try await store.begin(announcement)
        gate.count(announcement.size ?? 0, uploadedBy: pass)
        do {
            context.channel.triggerUserOutboundEvent(ProceedEvent(), promise: nil)
            let received = try await take(request.body, of: announcement.size ?? .max, into: session)
            guard received == announcement.size else { throw ConnectionFailure.disconnected }
            return Response(created: try await session.commit(), at: publicURL.value)
        } catch {
            await session.abandon()
            throw error is StoreError || error is ConnectionFailure ? error : ConnectionFailure.disconnected
        }
    }

    /// Passes the body on in pieces of one size; how many bytes came. The first bytes of more than a piece go on at
    /// once, since they tell whether the rest is wanted.
    private func take(_ body: RequestBody, of size: Int64, into session: any UploadSession) async throws -> Int64 {
        var received: Int64 = 0
        var piece: [UInt8] = []
        piece.reserveCapacity(Int(min(size, Int64(Self.pieceBytes))))
        for try await buffer in body {
            let isBeginning = received < SealedShape.magic.count && size > Self.pieceBytes
            received += Int64(buffer.readableBytes)
            var rest = buffer.readableBytesView[...]
            while !rest.isEmpty {
                let taken = rest.prefix(Self.pieceBytes - piece.count)
                piece.append(contentsOf: taken)
                rest = rest.dropFirst(taken.count)
                if piece.count == Self.pieceBytes || isBeginning && received >= SealedShape.magic.count {
                    try await session.append(piece)
                    piece = []
                    piece.reserveCapacity(Self.pieceBytes)
                }
            }
        }
        if !piece.isEmpty { try await session.append(piece) }
        return received
    }
}

import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Store

/// Does on a store what an authorized request asks for.
struct StoreHandler {
    let store: any LeaseStore
    let places: BlobPlaces
    let gate: Gate
    /// Whether a resumable upload may be named before the final response.
    let sends104: Bool

    func answer(
        _ operation: Operation, _ request: Request, _ authorized: AuthorizedRequest, _ context: RequestScope
    ) async throws -> Response {
        switch operation {
        case .upload: return try await upload(request, authorized, context)
        case .previewUpload: return try await preview(request, authorized)
        case .createUpload: return try await create(request, TusDialect(), authorized, context)
        case .showUpload(let id): return try await show(id, request)
        case .appendUpload(let id): return try await append(to: id, request, authorized, context)
        case .cancelUpload(let id): return try await cancel(id, request)
        case .addLease(let address): return try await addLease(on: address, request, authorized)
        case .showLease(let address):
            return .json(LeaseDocument(try await store.lease(on: address, owner: try authorized.secret), at: places))
        case .renew(let address): return try await renew(address, request, authorized)
        case .revoke(let address):
            try await store.revoke(on: address, owner: try authorized.secret)
            return .done
        case .confirmDelivery(let address, let recipient):
            try await store.confirmDelivery(of: address, to: recipient, secret: try authorized.secret)
            return .done
        case .fillSlot: return try await fillSlot(request, authorized, context)
        case .showQuota: return .json(QuotaDocument(try await store.quotaUsage(of: authorized.subject)))
        case .readSlot:
            // Slots are read on the event loop, so only a target that the codec took for another comes here.
            throw Problem(.badRequest, detail: "The request target must be a path.")
        case .read, .followChanges, .showPage, .health, .readiness, .describe:
            preconditionFailure("what needs no writes is answered without this store")
        }
    }

    // MARK: Leases

    /// `POST /<sha256>/leases`.
    private func addLease(on address: BlobAddress, _ request: Request, _ authorized: AuthorizedRequest) async throws
        -> Response
    {
        let asked = try LeaseTerms(request.headers, subject: authorized.subject)
        let terms = try authorized.permit(asked, on: address)
        return Response(created: try await store.addLease(on: address, terms: terms), at: places)
    }

    /// `PATCH /<sha256>/lease`.
    private func renew(_ address: BlobAddress, _ request: Request, _ authorized: AuthorizedRequest) async throws
        -> Response
    {
        let terms = try authorized.permit(renewalOn: address, for: try request.headers.renewal())
        let lease = try await store.renew(on: address, owner: try authorized.secret, terms: terms)
        return .json(LeaseDocument(lease, at: places))
    }

    // MARK: Uploads in one request

    /// `HEAD /upload`: what `PUT /upload` would say before its first byte, and the URL below which the blob would be.
    private func preview(_ request: Request, _ authorized: AuthorizedRequest) async throws -> Response {
        let announcement = try UploadAnnouncement(head: request.headers, subject: authorized.subject)
        try await store.preflight(try authorized.permit(announcement, inOneRequest: true))
        return Response(
            status: .ok, headers: [.cacheControl: "no-store", .satchelPublicURL: places.publicURL.description])
    }

    /// `PUT /upload`, or `POST`: a plain upload, or the beginning of a resumable one.
    private func upload(_ request: Request, _ authorized: AuthorizedRequest, _ context: RequestScope) async throws
        -> Response
    {
        if let dialect = try Route.upload.uploadDialect(request.headers) {
            return try await create(request, dialect, authorized, context)
        }
        return Response(created: try await store(request, authorized, context), at: places)
    }

    /// `PUT /slots/<door>/<path>`: what a chat server has given a slot for.
    private func fillSlot(_ request: Request, _ authorized: AuthorizedRequest, _ context: RequestScope) async throws
        -> Response
    {
        _ = try await store(request, authorized, context)
        return Response(.slotFilled)
    }

    /// Takes the body of a request as one upload.
    private func store(
        _ request: Request, _ authorized: AuthorizedRequest, _ context: RequestScope
    ) async throws -> StoredBlob {
        let announcement = try gate.announcement(of: request.headers, authorized, now: store.now())
        let session = try await store.begin(announcement)
        gate.count(announcement.size ?? 0, from: authorized)
        do {
            context.sendContinue()
            _ = try await session.append(
                request.body, of: announcement.size, telling: announcement.acceptance?.tellingBytes)
            return try await session.commit()
        } catch {
            await session.abandon()
            throw error
        }
    }
}

extension UploadSession {
    /// Takes the body of a request in pieces of one size, and returns how many bytes arrived: `size`, where that is
    /// announced. The first bytes of a blob of more than one piece go on at once, since they show whether the rest is
    /// wanted. Throws a `StoreError`; or a `ConnectionFailure` where the body breaks off, after what arrived of it.
    ///
    /// - Parameters:
    ///   - offset: the position of the body in the blob.
    ///   - telling: how many of the first bytes show that; those of sealed blobs where it is not said.
    func append(
        _ body: RequestBody, of size: Int64?, from offset: Int64 = 0, telling: Int? = nil
    ) async throws -> Int64 {
        let pieceBytes = 256 * 1024
        let magicBytes = Int64(telling ?? SealedShape.magic.count) - offset
        var received: Int64 = 0
        var piece: [UInt8] = []
        do {
            for try await buffer in body {
                let isBeginning = received < magicBytes && size ?? .max > pieceBytes
                received += Int64(buffer.readableBytes)
                var rest = buffer.readableBytesView[...]
                while !rest.isEmpty {
                    // Not before there is something to keep: many requests bring nothing.
                    if piece.isEmpty { piece.reserveCapacity(Int(min(size ?? .max, Int64(pieceBytes)))) }
                    let taken = rest.prefix(pieceBytes - piece.count)
                    piece.append(contentsOf: taken)
                    rest = rest.dropFirst(taken.count)
                    if piece.count == pieceBytes || isBeginning && received >= magicBytes {
                        let full = piece
                        piece = []
                        try await append(full)
                    }
                }
            }
        } catch {
            if error is StoreError { throw error }
            if !piece.isEmpty { try await append(piece) }
            throw error is ConnectionFailure ? error : ConnectionFailure.disconnected
        }
        if !piece.isEmpty { try await append(piece) }
        guard size == nil || size == received else { throw ConnectionFailure.disconnected }
        return received
    }
}

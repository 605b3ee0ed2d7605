import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Store

/// Does on a store what an authorized request asks for.
struct StoreHandler {
    let store: any ResumableStore
    let publicURL: PublicURL
    let gate: Gate

    func answer(
        _ operation: Operation, _ request: Request, _ authorized: AuthorizedRequest, _ context: RequestScope
    ) async throws -> Response {
        switch operation {
        case .upload: return try await upload(request, authorized, context)
        case .previewUpload: return try await preview(request, authorized)
        case .createUpload: return try await create(request, TusDialect(), authorized, context)
        case .showUpload(let id): return try await show(id, request, authorized)
        case .appendUpload(let id): return try await append(to: id, request, authorized, context)
        case .cancelUpload(let id): return try await cancel(id, request, authorized)
        case .addLease(let address): return try await addLease(on: address, request, authorized)
        case .showLease(let address):
            return .json(LeaseDocument(try await store.lease(on: address, owner: try authorized.secret)))
        case .renew(let address): return try await renew(address, request, authorized)
        case .revoke(let address):
            try await store.revoke(on: address, owner: try authorized.secret)
            return .done
        case .confirmDelivery(let address, let recipient):
            try await store.confirmDelivery(of: address, to: recipient, secret: try authorized.secret)
            return .done
        case .showQuota: return .json(QuotaDocument(try await store.quotaUsage(of: authorized.subject)))
        case .read, .openPage, .health, .readiness, .describe:
            preconditionFailure("what needs no writes is answered without this store")
        }
    }

    // MARK: Leases

    /// `POST /<sha256>/leases`.
    private func addLease(on address: BlobAddress, _ request: Request, _ authorized: AuthorizedRequest) async throws
        -> Response
    {
        let asked = try UploadFields.terms(request.headers, subject: authorized.subject)
        let terms = try authorized.permit(asked, on: address)
        return Response(created: try await store.addLease(on: address, terms: terms), at: publicURL)
    }

    /// `PATCH /<sha256>/lease`.
    private func renew(_ address: BlobAddress, _ request: Request, _ authorized: AuthorizedRequest) async throws
        -> Response
    {
        let lifetime = try UploadFields.renewal(request.headers)
        // Without tickets the subject is an address, and a person's address changes.
        let subject = authorized.ticket == nil ? nil : authorized.subject
        let lease = try await store.renew(
            on: address, owner: try authorized.secret, lifetime: lifetime, subject: subject)
        return .json(LeaseDocument(lease))
    }

    // MARK: Uploads in one request

    /// `HEAD /upload`: what `PUT /upload` would say before its first byte.
    private func preview(_ request: Request, _ authorized: AuthorizedRequest) async throws -> Response {
        let announcement = try UploadFields.announcement(head: request.headers, subject: authorized.subject)
        try await store.preflight(try authorized.permit(announcement))
        return Response(status: .ok, headers: [.cacheControl: "no-store"])
    }

    /// `PUT /upload`, or `POST`: a plain upload, or the beginning of a resumable one.
    private func upload(_ request: Request, _ authorized: AuthorizedRequest, _ context: RequestScope) async throws
        -> Response
    {
        if let dialect = DraftDialect(beginning: request.headers) {
            return try await create(request, dialect, authorized, context)
        }
        try DraftDialect.validate(plain: request.headers)
        let announced = try UploadFields.announcement(put: request.headers, subject: authorized.subject)
        let announcement = try authorized.permit(announced)
        let session = try await store.begin(announcement)
        gate.count(announcement.size ?? 0, uploadedBy: authorized)
        do {
            context.sendContinue()
            let body = UploadBody(request.body, of: announcement.size, from: 0)
            guard try await body.copy(into: session) == announcement.size else { throw ConnectionFailure.disconnected }
            return Response(created: try await session.commit(), at: publicURL)
        } catch {
            await session.abandon()
            throw error is StoreError || error is ConnectionFailure ? error : ConnectionFailure.disconnected
        }
    }
}

/// The body of a request, which goes into a store in pieces of one size.
struct UploadBody {
    /// Bytes handed to the store at a time.
    private static let pieceBytes = 256 * 1024

    private let body: RequestBody
    /// Bytes to come, if known.
    private let size: Int64
    /// Its position in the blob.
    private let offset: Int64

    init(_ body: RequestBody, of size: Int64?, from offset: Int64) {
        self.body = body
        self.size = size ?? .max
        self.offset = offset
    }

    /// Appends everything to `session` and returns how many bytes arrived. The first bytes of a blob of more than one
    /// piece go on at once, since they show whether the rest is wanted. Where the body breaks off, what arrived has
    /// gone on too.
    func copy(into session: any UploadSession) async throws -> Int64 {
        let magicBytes = Int64(SealedShape.magic.count) - offset
        var received: Int64 = 0
        var piece: [UInt8] = []
        do {
            for try await buffer in body {
                let isBeginning = received < magicBytes && size > Self.pieceBytes
                received += Int64(buffer.readableBytes)
                var rest = buffer.readableBytesView[...]
                while !rest.isEmpty {
                    // Not before there is something to keep: many requests bring nothing.
                    if piece.isEmpty { piece.reserveCapacity(Int(min(size, Int64(Self.pieceBytes)))) }
                    let taken = rest.prefix(Self.pieceBytes - piece.count)
                    piece.append(contentsOf: taken)
                    rest = rest.dropFirst(taken.count)
                    if piece.count == Self.pieceBytes || isBeginning && received >= magicBytes {
                        let full = piece
                        piece = []
                        try await session.append(full)
                    }
                }
            }
        } catch {
            if !(error is StoreError), !piece.isEmpty { try await session.append(piece) }
            throw error
        }
        if !piece.isEmpty { try await session.append(piece) }
        return received
    }
}

import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Store

/// Resumable uploads: the dialect says what a request means, and how the upload's status is reported.
extension StoreHandler {
    /// `POST /uploads`, or `PUT /upload` in one of the drafts.
    func create(
        _ request: Request, _ dialect: any UploadDialect, _ authorized: AuthorizedRequest, _ context: RequestScope
    ) async throws -> Response {
        let creation = try dialect.creation(request.headers, subject: authorized.subject)
        try creation.part?.validate(length: creation.announcement.size)
        let upload = try await store.create(try authorized.permit(creation.announcement))
        if sends104, let fields = dialect.announcement(of: upload, at: place) {
            context.sendInterim(.resumable, fields)
        }
        guard let part = creation.part else { return respond(dialect, .creation(hasPart: false), upload) }
        return try await append(part, to: upload.id, .creation(hasPart: true), request, dialect, authorized, context)
    }

    /// `PATCH /uploads/<id>`.
    func append(
        to id: UploadID, _ request: Request, _ authorized: AuthorizedRequest, _ context: RequestScope
    ) async throws -> Response {
        let dialect = try request.headers.uploadDialect()
        return try await append(
            try dialect.part(request.headers), to: id, .append, request, dialect, authorized, context)
    }

    /// `HEAD /uploads/<id>`.
    func show(_ id: UploadID, _ request: Request) async throws -> Response {
        let dialect = try request.headers.uploadDialect()
        try dialect.validate(.offset, request.headers)
        let upload = try await store.upload(id)
        if case .refused(let error) = upload.state { throw Problem(error, in: nil) }
        return respond(dialect, .offset, upload)
    }

    /// `DELETE /uploads/<id>`.
    func cancel(_ id: UploadID, _ request: Request) async throws -> Response {
        let dialect = try request.headers.uploadDialect()
        try dialect.validate(.cancellation, request.headers)
        try await store.cancel(id)
        var response = Response.done
        response.headers.append(contentsOf: dialect.commonFields)
        return response
    }

    // MARK: Bytes

    private func append(
        _ part: AppendRequest, to id: UploadID, _ kind: UploadRequest, _ request: Request, _ dialect: any UploadDialect,
        _ authorized: AuthorizedRequest, _ context: RequestScope
    ) async throws -> Response {
        do {
            switch try await store.resume(id, with: part.append) {
            case .finished(let upload):
                if case .refused(let error) = upload.state { throw error }
                if case .committed(let blob) = upload.state { try part.validate(committed: blob.size) }
                return respond(dialect, kind, upload)
            case .ready(let session):
                let upload = try await receive(part, request.body, into: session, from: authorized.counted, context)
                return respond(dialect, kind, upload)
            }
        } catch let error as StoreError {
            throw Problem(resuming: error, in: part) ?? error as any Error
        }
    }

    /// Appends what the request brings and returns the upload as it is then.
    private func receive(
        _ part: AppendRequest, _ body: RequestBody, into session: any ResumableSession, from counted: ClientAddress?,
        _ context: RequestScope
    ) async throws -> ResumableUpload {
        let subject = session.upload.announcement.terms.subject
        let length = part.length ?? session.upload.length
        do {
            try part.validate(length: length)
            context.sendContinue()
            if let count = part.count { gate.count(count, from: counted, chargedTo: subject) }
            let received = try await session.append(body, of: part.count, from: part.offset)
            if part.count == nil { gate.count(received, from: counted, chargedTo: subject) }
            guard part.completes(at: part.offset + received, length: length) else { return try await session.pause() }
            return session.upload.committed(as: try await session.commit())
        } catch {
            // Where the connection broke, what arrived counts, unless it has a checksum.
            if error is ConnectionFailure, part.checksum == nil {
                _ = try? await session.pause()
            } else {
                await session.abandon()
            }
            throw error
        }
    }

    // MARK: Answers

    private var place: UploadContext {
        UploadContext(publicURL: places.publicURL, now: store.now(), blobLimitBytes: store.blobLimitBytes)
    }

    private func respond(
        _ dialect: any UploadDialect, _ kind: UploadRequest, _ upload: ResumableUpload
    ) -> Response {
        var response: Response
        switch dialect.answer(kind, upload, at: place) {
        case .fields(let status, let fields): response = Response(status: status, headers: fields)
        case .stored(let fields):
            guard case .committed(let blob) = upload.state else {
                preconditionFailure("only a committed upload is answered as a stored blob")
            }
            response = Response(created: blob, at: places)
            for field in fields { response.headers[field.name] = field.value }
        }
        for field in dialect.commonFields { response.headers[field.name] = field.value }
        return response
    }
}

extension ResumableUpload {
    /// The same after its last byte.
    fileprivate func committed(as blob: StoredBlob) -> ResumableUpload {
        ResumableUpload(
            id: id, state: .committed(blob), length: blob.size, offset: blob.size, announcement: announcement,
            expires: expires)
    }
}

extension HTTPResponse.Status {
    /// Upload Resumption Supported (draft-ietf-httpbis-resumable-upload).
    fileprivate static var resumable: Self { .init(code: 104, reasonPhrase: "Upload Resumption Supported") }
}

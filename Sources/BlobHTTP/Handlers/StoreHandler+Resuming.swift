import Blobs
import HTTPTypes
import Hummingbird
import NIOCore
import Store

/// Resumable uploads: what a request means is its dialect's to say, and how the upload stands then as well.
extension StoreHandler {
    /// `POST /uploads`, or `PUT /upload` in one of the drafts.
    func create(
        _ request: Request, _ dialect: any UploadDialect, _ pass: Pass, _ context: RequestScope
    ) async throws -> Response {
        let creation = try dialect.creation(request.headers, subject: pass.subject)
        try creation.part?.judge(length: creation.announcement.size)
        let upload = try await store.create(try pass.permit(creation.announcement))
        if let fields = dialect.announcement(of: upload, at: place) {
            context.sendInterim(.resumable, fields)
        }
        guard let part = creation.part else { return respond(dialect, .creation(hasPart: false), upload) }
        return try await bring(part, to: upload.id, .creation(hasPart: true), request, dialect, pass, context)
    }

    /// `PATCH /uploads/<id>`.
    func append(
        to id: UploadID, _ request: Request, _ pass: Pass, _ context: RequestScope
    ) async throws -> Response {
        let dialect = try UploadDialects.dialect(ofUpload: request.headers)
        return try await bring(
            try dialect.part(request.headers), to: id, .append, request, dialect, pass, context)
    }

    /// `HEAD /uploads/<id>`.
    func show(_ id: UploadID, _ request: Request, _ pass: Pass) async throws -> Response {
        let dialect = try UploadDialects.dialect(ofUpload: request.headers)
        try dialect.judge(.offset, request.headers)
        let upload = try await store.upload(id, subject: pass.resumer)
        if case .refused(let error) = upload.state { throw Problem(error, in: nil) }
        return respond(dialect, .offset, upload)
    }

    /// `DELETE /uploads/<id>`.
    func cancel(_ id: UploadID, _ request: Request, _ pass: Pass) async throws -> Response {
        let dialect = try UploadDialects.dialect(ofUpload: request.headers)
        try dialect.judge(.cancellation, request.headers)
        try await store.cancel(id, subject: pass.resumer)
        var response = Response.done
        response.headers.append(contentsOf: dialect.commonFields)
        return response
    }

    // MARK: Bytes

    private func bring(
        _ part: UploadPart, to id: UploadID, _ kind: UploadRequest, _ request: Request, _ dialect: any UploadDialect,
        _ pass: Pass, _ context: RequestScope
    ) async throws -> Response {
        do {
            switch try await store.resume(id, with: part.append, subject: pass.resumer) {
            case .finished(let upload):
                if case .refused(let error) = upload.state { throw error }
                if case .committed(let blob) = upload.state { try part.judge(committed: blob.size) }
                return respond(dialect, kind, upload)
            case .ready(let session):
                let upload = try await take(part, request.body, into: session, pass, context)
                return respond(dialect, kind, upload)
            }
        } catch let error as StoreError {
            throw Problem(resuming: error, in: part) ?? error as any Error
        }
    }

    /// Takes what the request brings and gives the upload as it stands then.
    private func take(
        _ part: UploadPart, _ body: RequestBody, into session: any ResumableSession, _ pass: Pass,
        _ context: RequestScope
    ) async throws -> ResumableUpload {
        let length = part.length ?? session.upload.length
        do {
            try part.judge(length: length)
            context.sendContinue()
            if let count = part.count { gate.count(count, uploadedBy: pass) }
            let received = try await UploadBody(body, of: part.count, from: part.offset).pass(to: session)
            if part.count == nil { gate.count(received, uploadedBy: pass) }
            guard part.count == nil || part.count == received else { throw ConnectionFailure.disconnected }
            guard part.completes(at: part.offset + received, length: length) else { return try await session.pause() }
            return session.upload.committed(as: try await session.commit())
        } catch {
            if error is StoreError || error is Problem {
                await session.abandon()
                throw error
            }
            // The connection broke: what came counts, unless it has to add up.
            if part.checksum == nil { _ = try? await session.pause() } else { await session.abandon() }
            throw error is ConnectionFailure ? error : ConnectionFailure.disconnected
        }
    }

    // MARK: Answers

    private var place: UploadPlace {
        UploadPlace(publicURL: publicURL, now: store.now(), blobLimitBytes: store.blobLimitBytes)
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
            response = Response(created: blob, at: publicURL)
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

import Blobs
import Files
import MediaMessage
import Transfer

/// Where one blob is brought to one server: each function one request and what its answer says. Refusals are thrown as
/// `.refused`, whatever their status.
struct UploadDesk {
    let http: HTTPClient
    let server: WebURL
    let ticket: Ticket?
    let terms: UploadTerms
    let pacing: Pacing

    var host: String { server.origin.authority }

    private var authorization: [HTTPField] { ticket.map { [$0.field] } ?? [] }

    // MARK: In one request

    /// Would it be taken? Says nothing to servers that do not know the question.
    func check() throws(MediaClientError) {
        let fields = terms.fields + [HTTPField("X-Content-Length", "\(terms.size)")] + authorization
        let response = try answer(HTTPRequest(.head, server.appending("upload"), fields: fields))
        switch response.status {
        case 200..<300, 404, 405, 501: return
        default: throw refusal(response)
        }
    }

    /// Sends all of it; `progress` hears how much has gone.
    func put(_ blob: borrowing OpenFile, progress: (Int64) -> Void) throws(MediaClientError) -> Descriptor {
        let fields =
            terms.fields + authorization + [
                HTTPField("Content-Type", "application/octet-stream"), HTTPField("Expect", "100-continue"),
            ]
        let request = HTTPRequest(.put, server.appending("upload"), fields: fields)
        let response: HTTPResponse
        do { response = try http.upload(request, file: blob, size: terms.size, progress: progress) } catch {
            throw .transfer(error)
        }
        guard response.status == 200 || response.status == 201 else { throw refusal(response) }
        return try checked(Descriptor(response))
    }

    // MARK: In several (tus 1.0)

    /// `POST /uploads`: what the new upload is called.
    func create() throws(MediaClientError) -> UploadID {
        let fields = [Self.version, HTTPField("Upload-Length", "\(terms.size)"), terms.metadata] + authorization
        let response = try answer(HTTPRequest(.post, server.appending("uploads"), fields: fields))
        guard (200..<300).contains(response.status) else { throw refusal(response) }
        // Only the id is taken: whatever address the server has for itself, we stay with the one that we know.
        guard let location = response["location"], let url = server.resolving(location),
            let id = UploadID(hex: url.lastPathPart)
        else { throw .answer("it does not say where the upload is", host: host) }
        return id
    }

    /// `HEAD /uploads/<id>`.
    func look(at id: UploadID) throws(MediaClientError) -> UploadStanding {
        let response = try answer(HTTPRequest(.head, place(of: id), fields: [Self.version] + authorization))
        return try standing(response)
    }

    /// `PATCH /uploads/<id>` with `count` bytes of the blob from `offset` on; none at all has the server try again to
    /// take what is there.
    func append(
        _ count: Int64, of blob: borrowing OpenFile, at offset: Int64, to id: UploadID
    ) throws(MediaClientError) -> UploadStanding {
        let fields =
            [
                Self.version, HTTPField("Upload-Offset", "\(offset)"),
                HTTPField("Content-Type", "application/offset+octet-stream"), HTTPField("Expect", "100-continue"),
            ] + authorization
        let request = HTTPRequest(.patch, place(of: id), fields: fields)
        let response: HTTPResponse
        do {
            response = try http.upload(request, file: blob, offset: offset, size: count, progress: { _ in })
        } catch {
            throw .transfer(error)
        }
        return try standing(response)
    }

    /// `DELETE /uploads/<id>`; one that is not there is as good.
    func cancel(_ id: UploadID) throws(MediaClientError) {
        let response = try answer(HTTPRequest(.delete, place(of: id), fields: [Self.version] + authorization))
        guard response.status < 300 || [404, 410].contains(response.status) else { throw refusal(response) }
    }

    private static let version = HTTPField("Tus-Resumable", "1.0.0")

    private func place(of id: UploadID) -> WebURL { server.appending("uploads").appending(id.hex) }

    private func standing(_ response: HTTPResponse) throws(MediaClientError) -> UploadStanding {
        guard (200..<300).contains(response.status) else { throw refusal(response) }
        guard let standing = UploadStanding(response) else {
            throw .answer("it does not say how far the upload is", host: host)
        }
        return standing
    }

    // MARK: The lease

    /// The lease that an upload has made; nil if there is none. `url` is where the server has said that the blob is.
    func held(at url: BlobURL? = nil) throws(MediaClientError) -> Descriptor? {
        let fields = [HTTPField("Satchel-Secret", terms.owner.base64url)]
        let place = server.appending(terms.address.hex)
        let response = try answer(HTTPRequest(.get, place.appending("lease"), fields: fields))
        if response.status >= 500 || response.status == 429 { throw refusal(response) }
        guard response.status == 200, let lease = Lease(response), lease.state == .held else { return nil }
        guard let url = url ?? BlobURL(place.description) else {
            throw .answer("the server's own address cannot stand in a message", host: host)
        }
        return try checked(Descriptor(url: url, address: lease.address, size: lease.size, expires: lease.expires))
    }

    private func checked(_ descriptor: Descriptor?) throws(MediaClientError) -> Descriptor {
        guard let descriptor else { throw .answer("it is no description of a blob", host: host) }
        guard descriptor.address == terms.address, descriptor.url.address == terms.address else {
            throw .wrongDigest(expected: terms.address, actual: descriptor.url.address, host: host)
        }
        guard descriptor.size == terms.size else {
            throw .answer("it speaks of \(descriptor.size) bytes where \(terms.size) were sent", host: host)
        }
        guard descriptor.url.scheme == .https || server.origin.scheme == .http else {
            throw .answer("it would send recipients from https to http", host: host)
        }
        return descriptor
    }

    // MARK: Answers

    private func answer(_ request: HTTPRequest) throws(MediaClientError) -> HTTPResponse {
        do { return try http.ask(request) } catch { throw .transfer(error) }
    }

    private func refusal(_ response: HTTPResponse) -> MediaClientError {
        if (300..<400).contains(response.status) { return .redirect("an upload follows no redirect", host: host) }
        return .refused(Refusal(response, now: pacing.wallSeconds()), host: host)
    }
}

import Blobs
import Files
import MediaMessage
import Transfer

/// Uploads. Refusals are thrown as `.refused`, whatever their status.
extension StoreAPI {
    // MARK: In one request

    /// `HEAD /upload`: would a blob be accepted, of which no more than this is known? Servers that take uploads and do
    /// not know this request are taken to say yes. Returns the URL that the server has for itself, if it says: one that
    /// recipients may be sent to.
    func check(_ terms: [HTTPField], size: Int64?) throws(MediaClientError) -> WebURL? {
        let fields = terms + (size.map { [HTTPField("X-Content-Length", "\($0)")] } ?? [])
        let response = try response(to: authorized(HTTPRequest(.head, server.appending("upload"), fields: fields)))
        switch response.status {
        case 200..<300: break
        case 405, 501: return nil
        default: throw refusal(response)
        }
        guard let text = response["satchel-public-url"] else { return nil }
        guard let url = WebURL(text), url.query == nil else {
            throw .answer("the URL that it has for itself is none", host: host)
        }
        try requireOurs(url.origin)
        return url
    }

    /// `PUT /upload`; `progress` takes the number of bytes sent.
    func put(
        _ blob: borrowing OpenFile, for lease: LeaseRequest, progress: (Int64) -> Void
    ) throws(MediaClientError) -> RemoteBlob {
        let fields =
            lease.fields + [
                HTTPField("Content-Type", "application/octet-stream"), HTTPField("Expect", "100-continue"),
            ]
        let request = try authorized(HTTPRequest(.put, server.appending("upload"), fields: fields))
        let response = try response(to: request) { request throws(TransferError) in
            try http.upload(request, file: blob, size: lease.size, progress: progress)
        }
        guard response.status == 200 || response.status == 201 else { throw refusal(response) }
        return try checked(RemoteBlob(response), lease)
    }

    /// The lease that an upload has made; nil if there is none. `blobURL` is where the server said the blob is.
    func findLease(_ lease: LeaseRequest, at blobURL: BlobURL?) throws(MediaClientError) -> RemoteBlob? {
        let place = place(of: lease.address)
        let response = try response(
            to: HTTPRequest(.get, place.appending("lease"), fields: [secret(lease.owner)]))
        if response.status >= 500 || response.status == 429 { throw refusal(response) }
        guard response.status == 200, let held = Lease(response), held.state == .held else { return nil }
        guard let url = blobURL ?? BlobURL(place.description) else {
            throw .answer("its address cannot be written in a message", host: host)
        }
        let stored = RemoteBlob(
            url: url, address: held.address, size: held.size, expires: held.expires,
            mirrors: JSONMembers(response)?.mirrors(of: held.address) ?? [])
        return try checked(stored, lease)
    }

    // MARK: In several (tus 1.0)
    // Creating an upload takes a ticket. From then on its id is the right to it, even if the ticket has ended meanwhile.

    /// `POST /uploads`: the name of the new upload.
    func createUpload(for lease: LeaseRequest) throws(MediaClientError) -> UploadID {
        let fields = [Self.version, HTTPField("Upload-Length", "\(lease.size)"), lease.uploadMetadata]
        let response = try response(to: authorized(HTTPRequest(.post, server.appending("uploads"), fields: fields)))
        guard (200..<300).contains(response.status) else { throw refusal(response) }
        // Only the id is taken: whatever address the server has for itself, we keep the one we know.
        guard let path = response["location"]?.prefix(while: { $0 != "?" && $0 != "#" }),
            let id = path.split(separator: "/").last.flatMap({ UploadID(hex: $0) })
        else { throw .answer("it does not say where the upload is", host: host) }
        return id
    }

    /// `HEAD /uploads/<id>`.
    func status(of id: UploadID) throws(MediaClientError) -> UploadStatus {
        try status(in: response(to: HTTPRequest(.head, place(of: id), fields: [Self.version])))
    }

    /// `PATCH /uploads/<id>` with `count` bytes of the blob from `offset` on. An empty one makes the server try again
    /// to complete what it has.
    func append(
        _ count: Int64, of blob: borrowing OpenFile, at offset: Int64, to id: UploadID
    ) throws(MediaClientError) -> UploadStatus {
        let fields = [
            Self.version, HTTPField("Upload-Offset", "\(offset)"),
            HTTPField("Content-Type", "application/offset+octet-stream"), HTTPField("Expect", "100-continue"),
        ]
        let request = HTTPRequest(.patch, place(of: id), fields: fields)
        let response = try response(to: request) { request throws(TransferError) in
            try http.upload(request, file: blob, offset: offset, size: count, progress: { _ in })
        }
        return try status(in: response)
    }

    /// `DELETE /uploads/<id>`; one that does not exist counts as cancelled.
    func cancelUpload(_ id: UploadID) throws(MediaClientError) {
        let response = try response(to: HTTPRequest(.delete, place(of: id), fields: [Self.version]))
        guard response.status < 300 || [404, 410].contains(response.status) else { throw refusal(response) }
    }

    private static let version = HTTPField("Tus-Resumable", "1.0.0")

    private func place(of id: UploadID) -> WebURL { server.appending("uploads").appending(id.hex) }

    private func status(in response: HTTPResponse) throws(MediaClientError) -> UploadStatus {
        guard (200..<300).contains(response.status) else { throw refusal(response) }
        guard let status = UploadStatus(response) else {
            throw .answer("it does not report the offset of the upload", host: host)
        }
        return status
    }

    private func refusal(_ response: HTTPResponse) -> MediaClientError {
        if (300..<400).contains(response.status) { return redirect(response) }
        return .refused(problem(response), host: host)
    }
}

import Blobs
import Files
import MediaMessage
import Transfer

/// What is told to a server that shall hold a blob.
struct UploadTerms: Sendable {
    let address: BlobAddress
    let size: Int64
    let lifetime: Lifetime?
    let recipients: Int?
    let owner: Secret
    /// One for all recipients, or one for each.
    let receipts: [Secret]

    init(_ sending: SentLog.Sending) {
        address = sending.address
        size = sending.size
        lifetime = sending.lifetime
        recipients = sending.recipients
        owner = sending.owner
        receipts = sending.receipts
    }

    /// The fields of the request. Of the secrets only the hashes go.
    var fields: [HTTPField] {
        [HTTPField("X-SHA-256", address.hex)] + leaseFields
    }

    /// Those of them that are about the lease alone.
    var leaseFields: [HTTPField] {
        var fields = [
            HTTPField("Satchel-Owner", owner.hash.base64url),
            HTTPField("Satchel-Receipt", receipts.map(\.hash.base64url).joined(separator: ",")),
        ]
        if let lifetime { fields.append(HTTPField("Satchel-Lifetime", "\(lifetime.seconds)")) }
        if let recipients { fields.append(HTTPField("Satchel-Recipients", "\(recipients)")) }
        return fields
    }
}

/// Brings one sealed blob to one server: asks first, sends, and after a lost answer asks before it sends again.
struct Upload {
    let http: HTTPClient
    let server: WebURL
    let ticket: Ticket?
    let terms: UploadTerms
    let pacing: Pacing
    let progress: (Progress) -> Void

    private var host: String { server.origin.authority }

    /// Sends `blob`; the answer's digest and size are those that were sent.
    func run(_ blob: borrowing OpenFile, attempts: Attempts) throws(MediaClientError) -> Descriptor {
        var attempts = attempts
        var mayBeThere = false
        while true {
            do throws(MediaClientError) {
                if mayBeThere, let descriptor = try held() { return descriptor }
                try check()
                return try send(blob, mayBeThere: &mayBeThere)
            } catch {
                do { try attempts.wait(after: error) } catch {
                    // The last chance to learn that it went well after all.
                    if mayBeThere, let descriptor = try? held() { return descriptor }
                    throw error
                }
            }
        }
    }

    /// Would it be taken? Says nothing to servers that do not know the question.
    private func check() throws(MediaClientError) {
        let fields = terms.fields + [HTTPField("X-Content-Length", "\(terms.size)")] + authorization
        let response = try answer(HTTPRequest(.head, server.appending("upload"), fields: fields))
        switch response.status {
        case 200..<300, 404, 405, 501: return
        default: throw refusal(response)
        }
    }

    private func send(_ blob: borrowing OpenFile, mayBeThere: inout Bool) throws(MediaClientError) -> Descriptor {
        let fields =
            terms.fields + authorization + [
                HTTPField("Content-Type", "application/octet-stream"), HTTPField("Expect", "100-continue"),
            ]
        let request = HTTPRequest(.put, server.appending("upload"), fields: fields)
        let response: HTTPResponse
        do {
            response = try http.upload(request, file: blob, size: terms.size) { sent in
                progress(Progress(.sending, sent, of: terms.size))
            }
        } catch {
            mayBeThere = true
            throw .transfer(error)
        }
        guard response.status == 200 || response.status == 201 else {
            mayBeThere = response.status >= 500
            throw refusal(response)
        }
        return try checked(Descriptor(response))
    }

    /// The lease that an upload whose answer was lost has made; nil if there is none.
    private func held() throws(MediaClientError) -> Descriptor? {
        let fields = [HTTPField("Satchel-Secret", terms.owner.base64url)]
        let place = server.appending(terms.address.hex)
        let response = try answer(HTTPRequest(.get, place.appending("lease"), fields: fields))
        if response.status >= 500 || response.status == 429 { throw refusal(response) }
        guard response.status == 200, let lease = Lease(response), lease.state == .held else { return nil }
        guard let url = BlobURL(place.description) else {
            throw .answer("the server's own address cannot stand in a message", host: host)
        }
        return try checked(Descriptor(url: url, address: lease.address, size: lease.size, expires: lease.expires))
    }

    private func checked(_ descriptor: Descriptor?) throws(MediaClientError) -> Descriptor {
        guard let descriptor else { throw .answer("it is no description of a blob", host: host) }
        guard descriptor.address == terms.address else {
            throw .wrongDigest(expected: terms.address, actual: descriptor.address, host: host)
        }
        guard descriptor.size == terms.size else {
            throw .answer("it speaks of \(descriptor.size) bytes where \(terms.size) were sent", host: host)
        }
        guard descriptor.url.scheme == .https || server.origin.scheme == .http else {
            throw .answer("it would send recipients from https to http", host: host)
        }
        return descriptor
    }

    private var authorization: [HTTPField] { ticket.map { [$0.field] } ?? [] }

    private func answer(_ request: HTTPRequest) throws(MediaClientError) -> HTTPResponse {
        do { return try http.ask(request) } catch { throw .transfer(error) }
    }

    private func refusal(_ response: HTTPResponse) -> MediaClientError {
        if (300..<400).contains(response.status) { return .redirect("an upload follows no redirect", host: host) }
        return .refused(Refusal(response, now: pacing.wallSeconds()), host: host)
    }
}

import Blobs
import MediaMessage
import Transfer

/// The HTTP API of one server: each function makes one request and reads the response.
///
/// Requests of an upload are made once: `UploadPlanner` decides what follows a failure. All others are idempotent and
/// retried here. The owner secret and the ticket are sent only with requests that need them.
struct StoreAPI {
    let http: HTTPClient
    let server: WebURL
    /// Nil for a server that may see none.
    let ticket: ServerTicket?
    /// Hosts that may go into a message besides the server's own.
    let servers: [HostPattern]
    let retries: RetryLoop

    var host: String { server.origin.authority.description }

    /// The request with the ticket, if there is one.
    func authorized(_ request: HTTPRequest) throws(MediaClientError) -> HTTPRequest {
        var request = request
        if let ticket { request.fields += try ticket.fields() }
        return request
    }

    func place(of address: BlobAddress) -> WebURL { server.appending(address.hex) }

    // MARK: Leases

    /// `POST /<sha256>/leases`: a lease on a blob that the server has, without an upload. Asking again with the same
    /// owner gives the same lease.
    func addLease(_ lease: LeaseRequest) throws(MediaClientError) -> RemoteBlob {
        let place = place(of: lease.address).appending("leases")
        let response = try retried(HTTPRequest(.post, place, fields: lease.leaseFields), showsTicket: true)
        guard let stored = RemoteBlob(response), stored.address == lease.address else {
            throw .answer("it describes another file", host: host)
        }
        return try checked(stored, lease)
    }

    /// `GET /<sha256>/lease`.
    func lease(_ lease: SentLease) throws(MediaClientError) -> Lease {
        let request = HTTPRequest(.get, place(of: lease.address).appending("lease"), fields: [secret(lease.owner)])
        return try checked(retried(request), lease)
    }

    /// `PATCH /<sha256>/lease`; without a lifetime the server's default applies.
    func renew(_ lease: SentLease, _ lifetime: Lifetime?) throws(MediaClientError) -> Lease {
        var fields = [secret(lease.owner)]
        if let lifetime { fields.append(HTTPField("Satchel-Lifetime", "\(lifetime.seconds)")) }
        let place = place(of: lease.address).appending("lease")
        return try checked(retried(HTTPRequest(.patch, place, fields: fields), showsTicket: true), lease)
    }

    /// `DELETE /<sha256>`; repeating it changes nothing.
    func revoke(_ lease: SentLease) throws(MediaClientError) {
        let request = HTTPRequest(.delete, place(of: lease.address), fields: [secret(lease.owner)])
        let response = try retried(request)
        guard response.status == 204 || response.status == 200 else {
            throw .answer("unexpected status \(response.status)", host: host)
        }
    }

    /// `GET /quota`, for the ticket's holder.
    func quota() throws(MediaClientError) -> Quota {
        let response: HTTPResponse
        do throws(MediaClientError) {
            response = try retried(HTTPRequest(.get, server.appending("quota")), showsTicket: true)
        } catch {
            guard case .notFound(let host) = error else { throw error }
            throw .answer("it does not report quotas", host: host)
        }
        guard response.status == 200, let quota = Quota(response) else {
            throw .answer("it is not a quota report", host: host)
        }
        return quota
    }

    func secret(_ owner: Secret) -> HTTPField { HTTPField("Satchel-Secret", owner.base64url) }

    private func checked(_ response: HTTPResponse, _ sent: SentLease) throws(MediaClientError) -> Lease {
        guard response.status == 200, let lease = Lease(response) else {
            throw .answer("it does not describe a lease", host: host)
        }
        guard lease.address == sent.address else { throw .answer("it describes another file", host: host) }
        return lease
    }

    /// What the server says about a blob, if it fits what was asked for.
    func checked(_ stored: RemoteBlob?, _ lease: LeaseRequest) throws(MediaClientError) -> RemoteBlob {
        guard let stored else { throw .answer("it does not describe a blob", host: host) }
        guard stored.address == lease.address, stored.url.address == lease.address else {
            throw .wrongDigest(expected: lease.address, actual: stored.url.address, host: host)
        }
        guard stored.size == lease.size else {
            throw .answer("it reports \(stored.size) bytes instead of \(lease.size)", host: host)
        }
        try requireOurs(stored.url)
        return stored.keepingMirrors { isOurs($0) }
    }

    /// Throws unless recipients may be sent to this place.
    func requireOurs(_ place: BlobURL) throws(MediaClientError) {
        guard let url = WebURL(place.description) else {
            throw .answer("it would send recipients to \(place.authority), which is no place to go", host: host)
        }
        try requireOurs(url.origin)
    }

    /// Throws unless recipients may be sent there: to the server itself, or to one of `servers`. One rule for what is sent
    /// now and for what waited.
    func requireOurs(_ origin: HTTPOrigin) throws(MediaClientError) {
        guard origin.isSameServer(as: server.origin) || servers.contains(where: { $0.matches(origin) }) else {
            throw .answer(
                "it would send recipients to \(origin.authority), which is not one of your servers; "
                    + "if that is right, add it to the setting servers", host: host)
        }
        guard origin.scheme == .https || server.origin.scheme == .http else {
            throw .answer("it would send recipients from https to http", host: host)
        }
    }

    /// Whether recipients may be sent to this place.
    private func isOurs(_ place: BlobURL) -> Bool {
        do { try requireOurs(place) } catch { return false }
        return true
    }

    // MARK: Requests

    /// One attempt.
    func response(to request: HTTPRequest) throws(MediaClientError) -> HTTPResponse {
        try response(to: request) { request throws(TransferError) in try http.ask(request) }
    }

    /// One attempt, made by `send`; a second one if the ticket was refused and there is another by now.
    func response(
        to request: HTTPRequest, _ send: (HTTPRequest) throws(TransferError) -> HTTPResponse
    ) throws(MediaClientError) -> HTTPResponse {
        do throws(TransferError) {
            let response = try send(request)
            let shown = request.fields.filter { $0.name == ServerTicket.fieldName }
            guard response.status == 401, !shown.isEmpty, let fresh = ticket?.fields(after: shown) else {
                return response
            }
            var request = request
            request.fields.removeAll { $0.name == ServerTicket.fieldName }
            request.fields += fresh
            return try send(request)
        } catch {
            throw .transfer(error)
        }
    }

    /// The response to an idempotent request that is neither a refusal nor a redirect, retried as long as that helps.
    func retried(_ request: HTTPRequest, showsTicket: Bool = false) throws(MediaClientError) -> HTTPResponse {
        var retries = retries
        while true {
            do throws(MediaClientError) {
                let response = try response(to: showsTicket ? try authorized(request) : request)
                guard response.status < 300 else { throw error(response) }
                return response
            } catch {
                try retries.wait(after: error)
            }
        }
    }

    private func error(_ response: HTTPResponse) -> MediaClientError {
        let problem = problem(response)
        return switch response.status {
        case 300..<400: redirect(response)
        case 410: .gone(reason: problem.reason, host: host)
        case 404 where problem.code != "damaged": .notFound(host: host)
        default: .refused(problem, host: host)
        }
    }

    /// Credentials and bytes of ours go nowhere but to the server of the settings.
    func redirect(_ response: HTTPResponse) -> MediaClientError {
        let target = RedirectRule.target(of: response["location"], from: server)
        return .redirect("\(target): requests with credentials stay with their server", host: host)
    }

    func problem(_ response: HTTPResponse) -> ServerProblem {
        ServerProblem(response, now: retries.environment.wallSeconds())
    }
}

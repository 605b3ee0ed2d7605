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
    let ticket: BearerTicket?
    let retries: RetryLoop

    var host: String { server.origin.authority.description }
    var authorization: [HTTPField] { ticket.map { [$0.field] } ?? [] }

    func place(of address: BlobAddress) -> WebURL { server.appending(address.hex) }

    // MARK: Leases

    /// `POST /<sha256>/leases`: a lease on a blob that the server has, without an upload. Asking again with the same
    /// owner gives the same lease.
    func addLease(_ lease: LeaseRequest) throws(MediaClientError) -> RemoteBlob {
        let place = place(of: lease.address).appending("leases")
        let response = try retried(HTTPRequest(.post, place, fields: lease.leaseFields + authorization))
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
        return try checked(retried(HTTPRequest(.patch, place, fields: fields + authorization)), lease)
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
            response = try retried(HTTPRequest(.get, server.appending("quota"), fields: authorization))
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
        guard stored.url.scheme == .https || server.origin.scheme == .http else {
            throw .answer("it would send recipients from https to http", host: host)
        }
        return stored
    }

    // MARK: Requests

    /// One attempt.
    func response(to request: HTTPRequest) throws(MediaClientError) -> HTTPResponse {
        do { return try http.ask(request) } catch { throw .transfer(error) }
    }

    /// The response to an idempotent request that is neither a refusal nor a redirect, retried as long as that helps.
    func retried(_ request: HTTPRequest) throws(MediaClientError) -> HTTPResponse {
        var retries = retries
        while true {
            do throws(MediaClientError) {
                let response = try response(to: request)
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
        case 300..<400: .redirect("requests with credentials do not follow redirects", host: host)
        case 410: .gone(reason: problem.reason, host: host)
        case 404 where problem.code != "damaged": .notFound(host: host)
        default: .refused(problem, host: host)
        }
    }

    func problem(_ response: HTTPResponse) -> ServerProblem {
        ServerProblem(response, now: retries.environment.wallSeconds())
    }
}

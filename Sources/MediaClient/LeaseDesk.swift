import Blobs
import Transfer

/// Where the owner of one lease asks about it, moves its end and revokes it. Shows the owner secret, and the ticket only
/// where a request needs one.
struct LeaseDesk {
    let http: HTTPClient
    let lease: SentLease
    let pacing: Pacing
    let attempts: Attempts

    private var place: WebURL { lease.server.appending(lease.address.hex) }
    private var host: String { lease.server.origin.authority }

    /// `GET /<sha256>/lease`.
    func look() throws(MediaClientError) -> Lease {
        try lease(in: ask(.get, place.appending("lease")))
    }

    /// `PATCH /<sha256>/lease`; without a lifetime the server's own counts.
    func renew(_ lifetime: Lifetime?, _ ticket: Ticket?) throws(MediaClientError) -> Lease {
        var fields: [HTTPField] = []
        if let lifetime { fields.append(HTTPField("Satchel-Lifetime", "\(lifetime.seconds)")) }
        if let ticket { fields.append(ticket.field) }
        return try lease(in: ask(.patch, place.appending("lease"), fields))
    }

    /// `DELETE /<sha256>`; doing it again changes nothing.
    func revoke() throws(MediaClientError) {
        let response = try ask(.delete, place)
        guard response.status == 204 || response.status == 200 else {
            throw .answer("it says neither yes nor no (status \(response.status))", host: host)
        }
    }

    private func lease(in response: HTTPResponse) throws(MediaClientError) -> Lease {
        guard response.status == 200, let answer = Lease(response) else {
            throw .answer("it is no description of a lease", host: host)
        }
        guard answer.address == lease.address else { throw .answer("it speaks of another file", host: host) }
        return answer
    }

    /// The answer, which is no refusal; tried again as long as that helps.
    private func ask(
        _ method: HTTPRequest.Method, _ url: WebURL, _ fields: [HTTPField] = []
    ) throws(MediaClientError) -> HTTPResponse {
        let secret = HTTPField("Satchel-Secret", lease.owner.base64url)
        return try http.answer(
            to: HTTPRequest(method, url, fields: [secret] + fields), pacing: pacing, attempts: attempts)
    }
}

extension HTTPClient {
    /// The answer to a request that may be made any number of times, which is neither a refusal nor a redirect.
    func answer(
        to request: HTTPRequest, pacing: Pacing, attempts: Attempts
    ) throws(MediaClientError) -> HTTPResponse {
        var attempts = attempts
        while true {
            do throws(MediaClientError) {
                let response: HTTPResponse
                do { response = try ask(request) } catch { throw .transfer(error) }
                guard response.status < 300 else { throw MediaClientError(response, to: request, pacing) }
                return response
            } catch {
                try attempts.wait(after: error)
            }
        }
    }
}

extension MediaClientError {
    /// What an answer means that is not what was asked for.
    init(_ response: HTTPResponse, to request: HTTPRequest, _ pacing: Pacing) {
        let host = request.url.origin.authority
        let refusal = Refusal(response, now: pacing.wallSeconds())
        switch response.status {
        case 300..<400: self = .redirect("a request that shows a right follows no redirect", host: host)
        case 410: self = .gone(reason: refusal.reason, host: host)
        case 404 where refusal.code != "damaged": self = .notFound(host: host)
        default: self = .refused(refusal, host: host)
        }
    }
}

import Blobs
import Files
import MediaMessage
import Sealing
import Transfer

/// Downloads the sealed blob of a message from any of its places.
struct Download {
    let message: MediaMessage
    let http: HTTPClient
    let gate: HostGate
    let retries: RetryLoop
    let delegate: ClientDelegate

    /// The places of the blob where we may go, the message's own server first.
    func places() throws(MediaClientError) -> [PermittedURL] {
        guard let url = message.url else { throw .message(.missing("url")) }
        var places: [PermittedURL] = []
        var firstError: MediaClientError?
        for place in [url] + message.mirrors {
            guard let url = WebURL(place.description), !places.contains(where: { $0.url == url }) else { continue }
            do throws(MediaClientError) { places.append(try gate.permit(url)) } catch {
                if firstError == nil { firstError = error }
            }
        }
        guard places.isEmpty else { return places }
        throw firstError ?? .message(.missing("url"))
    }

    /// Downloads what is missing in `partial`; returns how many bytes were there before.
    func fetch(
        _ place: PermittedURL, into partial: borrowing OpenFile, key: borrowing MediaKey
    ) throws(MediaClientError) -> Int64 {
        var retries = retries
        var entityTag: String?
        let before = try keepVerified(partial, key)
        var kept = before
        while kept < message.size {
            switch try request(place, into: partial, offset: kept, entityTag: entityTag) {
            case .complete: return before
            case .answered(let response):
                try retries.wait(after: error(response, place.url.origin.authority.description))
            case .broken(let error, let newTag):
                entityTag = newTag ?? entityTag
                let last = kept
                kept = try keepVerified(partial, key)
                if kept > last { retries.startOver() }
                try retries.wait(after: .transfer(error))
            }
        }
        return before
    }

    /// Cuts the file to the chunks that verify; returns its size.
    private func keepVerified(
        _ partial: borrowing OpenFile, _ key: borrowing MediaKey
    ) throws(MediaClientError) -> Int64 {
        do throws(SealingError) {
            let kept = try verifiedPrefix(of: partial, sealedSize: message.size, key: key)
            do { try partial.truncate(to: kept) } catch { throw .file(error) }
            return kept
        } catch {
            throw .sealing(error)
        }
    }

    /// One request, and those that redirects lead to.
    private func request(
        _ source: PermittedURL, into partial: borrowing OpenFile, offset: Int64, entityTag: String?
    ) throws(MediaClientError) -> DownloadOutcome {
        var place = source
        var redirects = 0
        while true {
            let outcome = try download(place, into: partial, offset: offset, entityTag: entityTag)
            guard case .answered(let response) = outcome, RedirectRule.isRedirect(response.status) else {
                return outcome
            }
            redirects += 1
            let rule = RedirectRule(address: message.address)
            switch rule.step(from: place.url, location: response["location"], count: redirects) {
            case .refuse(let why): throw .redirect(why, host: place.url.origin.authority.description)
            case .follow(let url): place = try gate.permit(url)
            }
        }
    }

    private func download(
        _ place: PermittedURL, into partial: borrowing OpenFile, offset: Int64, entityTag: String?
    ) throws(MediaClientError) -> DownloadOutcome {
        let request = HTTPRequest(.get, place.url, requiresPublicAddress: place.requiresPublicAddress)
        do {
            return try http.download(
                request, into: partial, offset: offset, entityTag: entityTag, size: message.size
            ) { done in
                delegate.progress(StepProgress(.downloading, done, of: message.size))
            }
        } catch {
            throw .transfer(error)
        }
    }

    private func error(_ response: HTTPResponse, _ host: String) -> MediaClientError {
        let problem = ServerProblem(response, now: retries.environment.wallSeconds())
        switch response.status {
        case 410: return .gone(reason: problem.reason, host: host)
        case 404 where problem.code != "damaged": return .notFound(host: host)
        default: return .refused(problem, host: host)
        }
    }
}

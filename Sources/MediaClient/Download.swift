import Blobs
import Files
import MediaMessage
import Sealing
import Transfer

/// Brings one sealed blob here, from the first of its places that has it whole and right.
struct Download {
    let message: MediaMessage
    let http: HTTPClient
    let gate: HostGate
    let pacing: Pacing
    let audience: Audience

    private typealias Source = HostGate.Place

    /// Fills `partial` with the blob and hands it to `open`, which checks it. Where a place fails, or what it gave is
    /// not the blob, the next is tried; the error is that of the first.
    func run(
        into partial: borrowing OpenFile, key: borrowing MediaKey, attempts: Attempts,
        open: (_ host: String) throws(MediaClientError) -> Void
    ) throws(MediaClientError) {
        let sources = try permittedSources()
        var firstError: MediaClientError?
        for source in sources {
            do throws(MediaClientError) {
                try bring(source, into: partial, key: key, attempts: attempts, open: open)
                return
            } catch {
                guard error.isOfOnePlace else { throw firstError ?? error }
                if case .wrongDigest = error { try startAnew(partial) }
                if firstError == nil { firstError = error }
                if source.url != sources.last?.url { audience.say("\(error); trying the next place") }
            }
        }
        if let firstError { throw firstError }
    }

    /// What this place gave is judged by itself: where bytes from before turn out to spoil it, all of it is fetched here.
    private func bring(
        _ source: Source, into partial: borrowing OpenFile, key: borrowing MediaKey, attempts: Attempts,
        open: (_ host: String) throws(MediaClientError) -> Void
    ) throws(MediaClientError) {
        let host = source.url.origin.authority
        let before = try fetch(source, into: partial, key: key, attempts: attempts)
        do throws(MediaClientError) { return try open(host) } catch {
            guard case .wrongDigest = error, before > 0 else { throw error }
        }
        try startAnew(partial)
        _ = try fetch(source, into: partial, key: key, attempts: attempts)
        try open(host)
    }

    /// Even good tags vouch for nothing now: whoever knows the key can make them.
    private func startAnew(_ partial: borrowing OpenFile) throws(MediaClientError) {
        try onFile(MediaClientError.output) { () throws(FileError) in try partial.truncate(to: 0) }
    }

    // MARK: Places

    private func permittedSources() throws(MediaClientError) -> [Source] {
        guard let url = message.url else { throw .message(.missing("url")) }
        var sources: [Source] = []
        var firstError: MediaClientError?
        for place in [url] + message.mirrors {
            guard let url = WebURL(place.description), !sources.contains(where: { $0.url == url }) else { continue }
            do throws(MediaClientError) { sources.append(try gate.permit(url)) } catch {
                if firstError == nil { firstError = error }
            }
        }
        guard sources.isEmpty else { return sources }
        throw firstError ?? .message(.missing("url"))
    }

    // MARK: Bytes

    /// Fetches what is missing; tells how much was there before.
    private func fetch(
        _ source: Source, into partial: borrowing OpenFile, key: borrowing MediaKey, attempts: Attempts
    ) throws(MediaClientError) -> Int64 {
        var attempts = attempts
        var entityTag: String?
        let before = try keepVerified(partial, key)
        var kept = before
        while kept < message.size {
            switch try request(source, into: partial, offset: kept, entityTag: entityTag) {
            case .complete: return before
            case .answered(let response):
                try attempts.wait(after: error(response, source.url.origin.authority))
            case .broken(let error, let newTag):
                entityTag = newTag ?? entityTag
                let last = kept
                kept = try keepVerified(partial, key)
                if kept > last { attempts.startAnew() }
                try attempts.wait(after: .transfer(error))
            }
        }
        return before
    }

    /// Cuts the file to what is surely the blob's, and tells how much that is.
    private func keepVerified(_ partial: borrowing OpenFile, _ key: borrowing MediaKey) throws(MediaClientError)
        -> Int64
    {
        do throws(SealingError) {
            let kept = try verifiedPrefix(of: partial, sealedSize: message.size, key: key)
            do { try partial.truncate(to: kept) } catch { throw .file(error) }
            return kept
        } catch {
            throw .sealing(error)
        }
    }

    private func request(
        _ source: Source, into partial: borrowing OpenFile, offset: Int64, entityTag: String?
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
            case .refuse(let why): throw .redirect(why, host: place.url.origin.authority)
            case .follow(let url): place = try gate.permit(url)
            }
        }
    }

    private func download(
        _ source: Source, into partial: borrowing OpenFile, offset: Int64, entityTag: String?
    ) throws(MediaClientError) -> DownloadOutcome {
        let request = HTTPRequest(.get, source.url, requiresPublicAddress: source.requiresPublicAddress)
        do {
            return try http.download(
                request, into: partial, offset: offset, entityTag: entityTag, size: message.size
            ) { done in
                audience.progress(Progress(.fetching, done, of: message.size))
            }
        } catch {
            throw .transfer(error)
        }
    }

    private func error(_ response: HTTPResponse, _ host: String) -> MediaClientError {
        let refusal = Refusal(response, now: pacing.wallSeconds())
        switch response.status {
        case 410: return .gone(reason: refusal.reason, host: host)
        case 404 where refusal.code != "damaged": return .notFound(host: host)
        default: return .refused(refusal, host: host)
        }
    }
}

extension MediaClientError {
    /// Another place may do better.
    fileprivate var isOfOnePlace: Bool {
        switch self {
        case .transfer(.file), .transfer(.library): false
        case .transfer, .refused, .gone, .notFound, .wrongDigest, .redirect, .answer, .hostNotAllowed, .unprotected:
            true
        default: false
        }
    }
}

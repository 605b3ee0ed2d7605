import Blobs
import Files
import MediaMessage
import Sealing
import Transfer

/// A place that a blob may be downloaded from.
struct DownloadPlace {
    let place: PermittedURL
    /// A cache of the person's own: it is not waited for, since the places of the message come after it.
    let isEdge: Bool

    var host: String { place.url.origin.authority.description }
}

/// Downloads the sealed blob of a message from any of its places.
struct Download {
    /// How long an edge may take for the first byte.
    static let edgePatienceMilliseconds = 1500

    let message: MediaMessage
    /// Caches that the person configured.
    let edges: [WebURL]
    let http: HTTPClient
    let gate: HostGate
    let retries: RetryLoop
    /// What an attempt has to bring for the count of attempts to start over: as much as the lowest speed brings before it
    /// is given up.
    let leastProgressBytes: Int64
    let delegate: ClientDelegate

    /// The places of the blob where we may go: edges, the message's own server, mirrors. `refusal` says why one of the
    /// message's is missing; thrown if there would be none at all.
    func places() throws(MediaClientError) -> (places: [DownloadPlace], refusal: MediaClientError?) {
        guard let url = message.url else { throw .message(.missing("url")) }
        var places: [DownloadPlace] = []
        for edge in edges {
            let place = PermittedURL(url: edge.appending(message.address.hex), requiresPublicAddress: false)
            if !places.contains(where: { $0.place == place }) {
                places.append(DownloadPlace(place: place, isEdge: true))
            }
        }
        var refusal: MediaClientError?
        for place in [url] + message.mirrors {
            guard let url = WebURL(place.description),
                !places.contains(where: { !$0.isEdge && $0.place.url == url })
            else { continue }
            do throws(MediaClientError) {
                places.append(DownloadPlace(place: try gate.permit(url), isEdge: false))
            } catch {
                if refusal == nil { refusal = error }
            }
        }
        if places.isEmpty { throw refusal ?? .message(.missing("url")) }
        return (places, refusal)
    }

    /// Downloads what `missing` finds in `partial`; returns how many bytes were there before. `rereads` says that the
    /// place has given wrong bytes: a cache then does not believe its own copy.
    func fetch(
        _ source: DownloadPlace, into partial: borrowing OpenFile, key: borrowing MediaKey, rereads: Bool
    ) throws(MediaClientError) -> Int64 {
        var retries = source.isEdge ? retries.once : retries
        var entityTag: String?
        var rest = try missing(partial, key)
        let before = message.size - (rest?.count ?? 0)
        while let range = rest {
            let part = BlobPart(range, of: message.size)
            switch try request(part, from: source, into: partial, entityTag: entityTag, rereads: rereads) {
            case .complete:
                // Behind a wrong header nothing could be verified.
                guard range.end == Int64(SealedGeometry.headerBytes) else { return before }
                rest = try missing(partial, key)
                if rest == range { return before }
            case .answered(let response):
                try retries.wait(after: error(response, source.host))
            case .broken(let error, let newTag):
                entityTag = newTag ?? entityTag
                rest = try missing(partial, key)
                guard let rest else { return before }
                if range.count - rest.count >= leastProgressBytes { retries.startOver() }
                try retries.wait(after: .transfer(error))
            }
        }
        return before
    }

    /// What a partial download lacks, nil for nothing: of a file that is as long as the blob, the bytes that do not
    /// verify; of a shorter one, which is cut to the chunks that verify, all that follows.
    func missing(
        _ partial: borrowing OpenFile, _ key: borrowing MediaKey
    ) throws(MediaClientError) -> ByteRange? {
        let size = try onFile({ .sealing(.file($0)) }) { () throws(FileError) in try partial.size() }
        do throws(SealingError) {
            if size == message.size { return try unverifiedRange(of: partial, key: key, root: message.root) }
            let kept = try verifiedPrefix(of: partial, sealedSize: message.size, key: key)
            do { try partial.truncate(to: kept) } catch { throw .file(error) }
            return ByteRange(offset: kept, count: message.size - kept, within: message.size)
        } catch {
            throw .sealing(error)
        }
    }

    /// One request, and those that redirects lead to.
    private func request(
        _ part: BlobPart, from source: DownloadPlace, into partial: borrowing OpenFile, entityTag: String?,
        rereads: Bool
    ) throws(MediaClientError) -> DownloadOutcome {
        try gate.follow(source.place, by: RedirectRule(address: message.address)) {
            $0.response
        } request: {
            (place) throws(MediaClientError) -> DownloadOutcome in
            var request = HTTPRequest(.get, place.url, requiresPublicAddress: place.requiresPublicAddress)
            if source.isEdge { request.firstByteMilliseconds = Self.edgePatienceMilliseconds }
            if rereads { request.fields.append(HTTPField("Satchel-Reread", "1")) }
            return try download(request, part, into: partial, entityTag: entityTag)
        }
    }

    private func download(
        _ request: HTTPRequest, _ part: BlobPart, into partial: borrowing OpenFile, entityTag: String?
    ) throws(MediaClientError) -> DownloadOutcome {
        do {
            return try http.download(request, part, into: partial, entityTag: entityTag) { done in
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

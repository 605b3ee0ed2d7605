import Blobs
import Files
import Transfer

/// Downloads a file of which nothing is known but its URL: it is asked how large it is, then fetched into a file, which
/// continues after a cut. Whether the bytes are the right ones is for their tag to say.
struct PlainDownload {
    let http: HTTPClient
    let gate: HostGate
    let retries: RetryLoop
    /// What an attempt has to bring for the count of attempts to start over.
    let leastProgressBytes: Int64
    let delegate: ClientDelegate

    /// The size of the file, in bytes.
    func size(of place: PermittedURL) throws(MediaClientError) -> Int64 {
        let host = place.url.origin.authority.description
        var retries = retries
        while true {
            do throws(MediaClientError) {
                let response = try gate.follow(place, by: RedirectRule(address: nil)) {
                    $0
                } request: {
                    (place) throws(MediaClientError) -> HTTPResponse in
                    let request = HTTPRequest(.head, place.url, requiresPublicAddress: place.requiresPublicAddress)
                    do throws(TransferError) { return try http.ask(request) } catch { throw .transfer(error) }
                }
                guard response.status == 200 else { throw error(response, host) }
                guard let size = response["content-length"].flatMap({ Int64($0) }), size >= 0 else {
                    throw .answer("it does not say how large the file is", host: host)
                }
                return size
            } catch {
                try retries.wait(after: error)
            }
        }
    }

    /// Fetches `size` bytes, one at least, into `file`, which is empty.
    func fetch(_ place: PermittedURL, _ size: Int64, into file: borrowing OpenFile) throws(MediaClientError) {
        let host = place.url.origin.authority.description
        var retries = retries
        var entityTag: String?
        var kept: Int64 = 0
        while let range = ByteRange(offset: kept, count: size - kept, within: size) {
            let tag = entityTag
            let outcome = try gate.follow(place, by: RedirectRule(address: nil)) {
                $0.response
            } request: {
                (place) throws(MediaClientError) -> DownloadOutcome in
                let request = HTTPRequest(.get, place.url, requiresPublicAddress: place.requiresPublicAddress)
                do throws(TransferError) {
                    return try http.download(request, BlobPart(range, of: size), into: file, entityTag: tag) { done in
                        delegate.progress(StepProgress(.downloading, done, of: size))
                    }
                } catch {
                    throw .transfer(error)
                }
            }
            switch outcome {
            case .complete: return
            case .answered(let response): try retries.wait(after: error(response, host))
            case .broken(let error, let newTag):
                entityTag = newTag ?? entityTag
                let before = kept
                kept = try onFile(MediaClientError.output) { () throws(FileError) in try file.size() }
                if kept - before >= leastProgressBytes { retries.startOver() }
                try retries.wait(after: .transfer(error))
            }
        }
    }

    /// What an answer that is not the file means, whoever gives it.
    private func error(_ response: HTTPResponse, _ host: String) -> MediaClientError {
        let problem = ServerProblem(response, now: retries.environment.wallSeconds())
        switch response.status {
        case 404: return .notFound(host: host)
        case 410: return .gone(reason: problem.reason, host: host)
        case 408, 425, 429, 500...: return .refused(problem, host: host)
        case let status: return .answer("status \(status) in the place of the file", host: host)
        }
    }
}

extension DownloadOutcome {
    /// The response, if that is all there was.
    var response: HTTPResponse? { if case .answered(let response) = self { response } else { nil } }
}

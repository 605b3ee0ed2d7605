import Blobs
package import Files

/// Makes requests, one at a time, over persistent connections. Never follows redirects.
package final class HTTPClient {
    private let handle: CurlHandle
    private let settings: TransferSettings

    package init(settings: TransferSettings) throws(TransferError) {
        handle = try CurlHandle()
        self.settings = settings
    }

    /// Makes a request without a body; the response has at most its `answerLimitBytes`.
    package func ask(_ request: HTTPRequest) throws(TransferError) -> HTTPResponse {
        let transfer = CurlTransfer(request, .none, progress: { _ in })
        try perform(request, transfer, length: request.method.expectsBody ? 0 : nil)
        return transfer.response
    }

    /// Sends `size` bytes of `file` from `offset` on, once the server has agreed to take them.
    /// `progress` takes the number of bytes sent.
    package func upload(
        _ request: HTTPRequest, file: borrowing OpenFile, offset: Int64 = 0, size: Int64, progress: (Int64) -> Void
    ) throws(TransferError) -> HTTPResponse {
        let source = try duplicate(file)
        return try withEscaping(progress) { progress throws(TransferError) in
            let transfer = CurlTransfer(request, .sent(source, offset: offset, size: size), progress: progress)
            try perform(request, transfer, length: size)
            return transfer.response
        }
    }

    /// Fills a part of `file`, which becomes or is a copy of a blob. A server that sends the whole blob instead begins the
    /// file again. Never writes beyond the part, or the blob's size. `progress` takes the offset that was reached.
    package func download(
        _ request: HTTPRequest, _ part: BlobPart, into file: borrowing OpenFile, entityTag: String?,
        progress: (Int64) -> Void
    ) throws(TransferError) -> DownloadOutcome {
        var request = request
        if let range = part.rangeField {
            request.fields.append(HTTPField("Range", range))
            if let entityTag { request.fields.append(HTTPField("If-Range", entityTag)) }
        }
        let target = try duplicate(file)
        return try withEscaping(progress) { progress throws(TransferError) in
            let transfer = CurlTransfer(request, .received(target, part), progress: progress)
            do throws(TransferError) { try perform(request, transfer, length: nil) } catch {
                guard error.isTransient else { throw error }
                return .broken(error, entityTag: transfer.isFillingFile ? transfer.response.strongEntityTag : nil)
            }
            return try outcome(of: transfer)
        }
    }

    private func outcome(of transfer: CurlTransfer) throws(TransferError) -> DownloadOutcome {
        let response = transfer.response
        if transfer.hasFilledFile { return .complete }
        guard transfer.isFillingFile || response.status == 200 || response.status == 206 else {
            return .answered(response)
        }
        let error = TransferError.cut(host: transfer.host, "the response ended at byte \(transfer.position)")
        return .broken(error, entityTag: response.strongEntityTag)
    }

    private func perform(_ request: HTTPRequest, _ transfer: CurlTransfer, length: Int64?) throws(TransferError) {
        let proxy = ProxyChoice(for: request.url.origin, environment: settings.environment)
        if request.requiresPublicAddress {
            let host = request.url.origin.host
            if let address = IPAddress(host), !address.isPublic {
                throw .refusedAddress(host: transfer.host, address)
            }
            // A proxy would resolve it, and we could not see to what.
            if !PublicName.mayBe(host) { throw .refusedName(host: transfer.host) }
        }
        try handle.perform(request, transfer, uploadLength: length, proxy: proxy, settings: settings)
    }

    private func duplicate(_ file: borrowing OpenFile) throws(TransferError) -> BodyFile {
        do throws(FileError) { return try BodyFile(file) } catch { throw .file(error) }
    }
}

extension HTTPResponse {
    /// The entity tag, unless it is weak, which `If-Range` cannot use (RFC 9110 §13.1.5).
    var strongEntityTag: String? {
        guard let tag = self["etag"], tag.hasPrefix("\""), tag.hasSuffix("\""), tag.utf8.count >= 2 else { return nil }
        return tag
    }
}

/// Passes a non-escaping closure where an escaping one is required, for the duration of `body`.
private func withEscaping<Result>(
    _ closure: (Int64) -> Void, _ body: (@escaping (Int64) -> Void) throws(TransferError) -> Result
) throws(TransferError) -> Result {
    try withoutActuallyEscaping(closure, do: body)
}

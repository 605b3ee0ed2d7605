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

    /// Makes a request without a body; the response has at most `TransferSettings.answerLimitBytes`.
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

    /// Fills `file` with a blob of `size` bytes, of which the first `offset` are there and verified.
    /// Never writes beyond `size`. `progress` takes the number of bytes in the file.
    package func download(
        _ request: HTTPRequest, into file: borrowing OpenFile, offset: Int64, entityTag: String?, size: Int64,
        progress: (Int64) -> Void
    ) throws(TransferError) -> DownloadOutcome {
        var request = request
        if offset > 0 {
            request.fields.append(HTTPField("Range", "bytes=\(offset)-"))
            if let entityTag { request.fields.append(HTTPField("If-Range", entityTag)) }
        }
        let target = try duplicate(file)
        return try withEscaping(progress) { progress throws(TransferError) in
            let transfer = CurlTransfer(request, .received(target, offset: offset, size: size), progress: progress)
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
        if request.requiresPublicAddress, let address = IPAddress(request.url.origin.host), !address.isPublic {
            throw .refusedAddress(host: transfer.host, address)
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

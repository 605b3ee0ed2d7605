package import Files

/// Makes requests, one at a time, over connections that it keeps. Follows no redirect by itself.
package final class HTTPClient {
    private let handle: CurlHandle
    private let settings: TransferSettings

    package init(settings: TransferSettings) throws(TransferError) {
        handle = try CurlHandle()
        self.settings = settings
    }

    /// Asks, without a body, for an answer of at most `TransferSettings.answerLimitBytes`.
    package func ask(_ request: HTTPRequest) throws(TransferError) -> HTTPResponse {
        let exchange = Exchange(request, .none, progress: { _ in })
        try perform(request, exchange, length: request.method.expectsBody ? 0 : nil)
        return exchange.response
    }

    /// Sends `size` bytes of `file` from `offset` on, once the server has said that it wants them.
    /// `progress` hears how many have gone.
    package func upload(
        _ request: HTTPRequest, file: borrowing OpenFile, offset: Int64 = 0, size: Int64, progress: (Int64) -> Void
    ) throws(TransferError) -> HTTPResponse {
        let source = try duplicate(file)
        return try withEscaping(progress) { progress throws(TransferError) in
            let exchange = Exchange(request, .sent(source, offset: offset, size: size), progress: progress)
            try perform(request, exchange, length: size)
            return exchange.response
        }
    }

    /// Fills `file` with a blob of `size` bytes, of which the first `offset` are there and right.
    /// Never writes a byte beyond `size`. `progress` hears how far the file is filled.
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
            let exchange = Exchange(request, .received(target, offset: offset, size: size), progress: progress)
            do throws(TransferError) { try perform(request, exchange, length: nil) } catch {
                guard error.isPassing else { throw error }
                return .broken(error, entityTag: exchange.isFillingFile ? exchange.response.strongEntityTag : nil)
            }
            return try outcome(of: exchange)
        }
    }

    private func outcome(of exchange: Exchange) throws(TransferError) -> DownloadOutcome {
        let response = exchange.response
        if exchange.hasFilledFile { return .complete }
        guard exchange.isFillingFile || response.status == 200 || response.status == 206 else {
            return .answered(response)
        }
        let error = TransferError.cut(host: exchange.host, "it ended at byte \(exchange.position)")
        return .broken(error, entityTag: response.strongEntityTag)
    }

    private func perform(_ request: HTTPRequest, _ exchange: Exchange, length: Int64?) throws(TransferError) {
        let proxy = ProxyChoice(for: request.url.origin, environment: settings.environment)
        if request.requiresPublicAddress, let address = NetworkAddress(request.url.origin.host), !address.isPublic {
            throw .refusedAddress(host: exchange.host, address)
        }
        try handle.perform(request, exchange, uploadLength: length, proxy: proxy, settings: settings)
    }

    private func duplicate(_ file: borrowing OpenFile) throws(TransferError) -> BodyFile {
        do throws(FileError) { return try BodyFile(file) } catch { throw .file(error) }
    }
}

extension HTTPResponse {
    /// The entity tag, unless it is a weak one, which `If-Range` cannot use (RFC 9110 §13.1.5).
    var strongEntityTag: String? {
        guard let tag = self["etag"], tag.hasPrefix("\""), tag.hasSuffix("\""), tag.utf8.count >= 2 else { return nil }
        return tag
    }
}

/// Lends a closure that does not escape to something that asks for one that may; the loan ends with `body`.
private func withEscaping<Result>(
    _ closure: (Int64) -> Void, _ body: (@escaping (Int64) -> Void) throws(TransferError) -> Result
) throws(TransferError) -> Result {
    try withoutActuallyEscaping(closure, do: body)
}

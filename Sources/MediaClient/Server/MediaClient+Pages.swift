import Blobs
package import Transfer

/// What a server gives to browsers at one place.
package struct ServedPage: Sendable {
    /// As a browser has them, unpacked.
    package let bytes: [UInt8]
    /// The value of Content-Security-Policy; nil where there is none, or more than one.
    package let policy: String?

    package init(bytes: [UInt8], policy: String?) {
        self.bytes = bytes
        self.policy = policy
    }
}

extension MediaClient {
    /// Far more than any page has.
    private static let pageLimitBytes: Int64 = 4 << 20

    /// What a browser is given that goes to `path` below `server`; nil where nothing is. It is asked for in a browser's
    /// words, so that a server has to look closely to tell the difference. Redirects are not followed.
    package func page(_ path: String, of server: WebURL) throws(MediaClientError) -> ServedPage? {
        try requireProtected(server)
        var request = HTTPRequest(.get, server.appending(path), fields: Self.browserFields)
        request.acceptsCompression = true
        request.answerLimitBytes = Self.pageLimitBytes
        do throws(MediaClientError) {
            let response = try api(server).retried(request)
            guard response.status == 200 else {
                throw .answer("status \(response.status)", host: server.origin.authority.description)
            }
            return ServedPage(bytes: response.body, policy: response["content-security-policy"])
        } catch {
            guard case .notFound = error else { throw error }
            return nil
        }
    }

    /// Those of somebody who follows a link (Fetch Metadata Request Headers §2).
    private static let browserFields = [
        HTTPField(
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"),
        HTTPField("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        HTTPField("Accept-Language", "en-US,en;q=0.9"), HTTPField("Upgrade-Insecure-Requests", "1"),
        HTTPField("Sec-Fetch-Site", "none"), HTTPField("Sec-Fetch-Mode", "navigate"),
        HTTPField("Sec-Fetch-User", "?1"), HTTPField("Sec-Fetch-Dest", "document"),
    ]
}

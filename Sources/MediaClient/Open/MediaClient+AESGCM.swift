import Blobs
import Files
package import MediaMessage
import Sealing
import Transfer

extension MediaClient {
    /// Opens a file that another chat client shares by a link (XEP-0454): downloads it, decrypts it into a temporary file,
    /// and publishes that once its tag has proven right. Nothing is kept for the next run if this one fails, and nothing is
    /// confirmed to anybody.
    package func open(
        _ link: AESGCMLink, to target: OpenTarget, replacing: Bool, named: [HostPattern]
    ) throws(MediaClientError) -> OpenedFile {
        let policy = HostPolicy(configured: settings.servers, named: named, allowsHTTP: settings.allowsHTTP)
        let gate = HostGate(policy, asks: delegate.allows)
        let key = try mediaKey(link.key)
        let url = try policy.url(of: link)
        let place = try gate.permit(url)
        let output = try output(self.place(target, named: link.fileName, replacing: replacing), replacing: replacing)

        let download = PlainDownload(
            http: try http(), gate: gate, retries: retryLoop(), leastProgressBytes: leastProgressBytes,
            delegate: delegate)
        let size = try download.size(of: place)
        guard size <= GCMFile.limitBytes + GCMFile.tagBytes else {
            throw .tooLargeForLink(bytes: size - GCMFile.tagBytes, limitBytes: GCMFile.limitBytes)
        }
        guard size <= settings.downloadLimitBytes else {
            throw .tooLarge(bytes: size, limitBytes: settings.downloadLimitBytes)
        }
        let encrypted = try output.place.temporaryFile(spoolFile)
        try download.fetch(place, size, into: encrypted.file)
        do throws(SealingError) {
            try GCMFile.decrypt(encrypted.file, into: output.temporary.file, key: key, nonce: link.nonce) { done in
                delegate.progress(StepProgress(.decrypting, done, of: size))
            }
        } catch {
            if error == .tag { throw .wrongTag(host: url.origin.authority.description) }
            throw .sealing(error)
        }
        return OpenedFile(path: try publish(output, at: target), receipt: nil)
    }
}

extension HostPolicy {
    /// Where the file of a link is. The link names no scheme: it is https, but on this machine http, unless https alone is
    /// allowed there.
    func url(of link: AESGCMLink) throws(MediaClientError) -> WebURL {
        guard let secure = WebURL(link.url(.https)), let plain = WebURL(link.url(.http)) else {
            throw .message(.notAESGCM("its host, port or query is none that a URL can have"))
        }
        guard link.isOnThisMachine else { return secure }
        return isAllowed(secure.origin) && !isAllowed(plain.origin) ? secure : plain
    }

    private func isAllowed(_ origin: HTTPOrigin) -> Bool {
        if case .allowed = verdict(on: origin) { true } else { false }
    }
}

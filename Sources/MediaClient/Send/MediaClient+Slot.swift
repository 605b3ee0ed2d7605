import Blobs
package import Files
package import MediaMessage
import Sealing
import Transfer

extension MediaClient {
    /// Sends a file to a slot of a chat server, as other chat clients do (XEP-0454): cleans it as `send` does, encrypts it
    /// with a new key, and uploads it once. Nothing is asked of our own server, and nothing is kept: if the upload fails, a
    /// new one begins with a new key.
    package func send(
        _ input: borrowing OpenFile, to slot: ChatSlot, options: SendOptions
    ) throws(MediaClientError) -> AESGCMLink {
        // The chat server is the person's own, but what it names may be anything.
        let policy = HostPolicy(
            configured: settings.servers, named: [HostPattern(slot.put.origin)], allowsHTTP: settings.allowsHTTP)
        let place = try HostGate(policy, asks: { _ in false }).permit(slot.put)
        let prepared = try preparedForLink(input, options)
        let encrypted = try spoolFile()
        let key = MediaKey()
        warnIfUnlocked(key)
        let nonce = GCMFile.freshNonce()
        let size = prepared.media.size
        do throws(SealingError) {
            try GCMFile.encrypt(prepared.whole.file, into: encrypted.file, key: key, nonce: nonce) { done in
                delegate.progress(StepProgress(.sealing, done, of: size))
            }
        } catch {
            throw .sealing(error)
        }
        let link = try slot.link(nonce: nonce, key: key.bytes)
        try upload(encrypted.file, to: place, slot.fields)
        return link
    }

    /// How many bytes a slot for a file has to be asked for: those of the cleaned file and of the tag.
    package func slotSize(of input: borrowing OpenFile, options: SendOptions) throws(MediaClientError) -> Int64 {
        try preparedForLink(input, options).media.size + GCMFile.tagBytes
    }

    private func preparedForLink(
        _ input: borrowing OpenFile, _ options: SendOptions
    ) throws(MediaClientError) -> PreparedFile {
        let prepared = try carryOut(try plan(input, options), options)
        let size = prepared.media.size
        guard size <= GCMFile.limitBytes else {
            throw .tooLargeForLink(bytes: size, limitBytes: GCMFile.limitBytes)
        }
        return prepared
    }

    private func upload(
        _ file: borrowing OpenFile, to place: PermittedURL, _ fields: [HTTPField]
    ) throws(MediaClientError) {
        let size = try onFile(MediaClientError.state) { () throws(FileError) in try file.size() }
        let request = HTTPRequest(
            .put, place.url, fields: fields, requiresPublicAddress: place.requiresPublicAddress)
        let http = try http()
        let response: HTTPResponse
        do throws(TransferError) {
            response = try http.upload(request, file: file, size: size) { done in
                delegate.progress(StepProgress(.uploading, done, of: size))
            }
        } catch {
            throw .transfer(error)
        }
        let host = place.url.origin.authority.description
        switch response.status {
        case 200, 201, 204: return
        case let status where RedirectRule.isRedirect(status):
            let target = RedirectRule.target(of: response["location"], from: place.url)
            throw .redirect("\(target): a slot is used where it is", host: host)
        case let status:
            let problem = ServerProblem(response, now: now.seconds)
            if status == 408 || status == 429 || status >= 500 { throw .refused(problem, host: host) }
            throw .slotRefused(problem, bytes: size, host: host)
        }
    }
}

import Blobs
package import Files
package import MediaMessage
import Sealing
import Transfer

extension MediaClient {
    /// Prepares, seals and uploads a file; gives the message for the chat.
    package func send(_ input: borrowing OpenFile, options: SendOptions) throws(MediaClientError) -> MediaMessage {
        let server = try uploadServer()
        let ticket = try Ticket.read(settings.ticket)
        return try withPlaintext(of: input, options) { plaintext, media throws(MediaClientError) in
            let blob = try spoolFile()
            var (message, header) = try seal(plaintext, media, into: blob.file)
            let receipt = Secret.random()
            message.receipt = receipt
            message.url = BlobURL(server.appending(message.address.hex).description)
            try checkFits(message)
            let sending = sending(of: message, to: server, receipt: receipt, header: header)
            let descriptor = try upload(blob.file, sending, server, ticket)
            message.url = descriptor.url
            message.expires = descriptor.expires
            return message
        }
    }

    /// Prepares and seals a file into a new file at `path`; gives a message that says nothing of where the blob is.
    package func seal(
        _ input: borrowing OpenFile, options: SendOptions, to path: String, replacing: Bool
    ) throws(MediaClientError) -> MediaMessage {
        try refuseTaken(path, replacing: replacing)
        let blob = try onFile(MediaClientError.output) { () throws(FileError) in
            try TemporaryFile(in: parentFolder(of: path))
        }
        let message = try withPlaintext(of: input, options) { plaintext, media throws(MediaClientError) in
            let (message, _) = try seal(plaintext, media, into: blob.file)
            try checkFits(message)
            return message
        }
        try publish(blob, as: path, replacing: replacing)
        return message
    }

    // MARK: Steps

    private func uploadServer() throws(MediaClientError) -> WebURL {
        guard let server = settings.server else {
            throw .configuration("no server to send to; set SATCHEL_SERVER, or --server https://media.example")
        }
        guard HostPolicy(configured: [], allowsHTTP: settings.allowsHTTP).isProtected(server.origin) else {
            throw .unprotected(server.origin)
        }
        return server
    }

    private func seal(
        _ plaintext: borrowing OpenFile, _ media: Media, into blob: borrowing OpenFile
    ) throws(MediaClientError) -> (message: MediaMessage, header: [UInt8]) {
        let key = MediaKey()
        if !key.isLocked { audience.say("the system does not let the key be kept out of swap") }
        let sealed: SealedBlob
        do {
            sealed = try Sealing.seal(plaintext, into: blob, key: key, padding: settings.padding) { done in
                audience.progress(Progress(.sealing, done, of: media.size))
            }
        } catch {
            throw .sealing(error)
        }
        var media = media
        media.size = sealed.plaintextSize
        let message = MediaMessage(url: nil, address: sealed.address, size: sealed.size, key: key.bytes, media: media)
        return (message, sealed.header)
    }

    /// Better now than after the upload.
    private func checkFits(_ message: MediaMessage) throws(MediaClientError) {
        do { _ = try message.encoded() } catch { throw .message(error) }
    }

    private func sending(
        of message: MediaMessage, to server: WebURL, receipt: Secret, header: [UInt8]
    ) -> SentLog.Sending {
        SentLog.Sending(
            at: now, server: server.description, address: message.address, size: message.size,
            owner: Secret.random(), receipt: receipt, header: header, padding: settings.padding.rawValue,
            lifetime: settings.lifetime, recipients: settings.recipients)
    }

    private func upload(
        _ blob: borrowing OpenFile, _ sending: SentLog.Sending, _ server: WebURL, _ ticket: Ticket?
    ) throws(MediaClientError) -> Descriptor {
        let terms = UploadTerms(
            address: sending.address, size: sending.size, lifetime: sending.lifetime,
            recipients: sending.recipients, owner: sending.owner, receipt: sending.receipt)
        let upload = Upload(
            http: try http(), server: server, ticket: ticket, terms: terms, pacing: pacing,
            progress: audience.progress)
        let log = SentLog(path: state.sentLog)
        try onFile(MediaClientError.state) { () throws(FileError) in try log.recordSending(sending) }
        let descriptor = try upload.run(blob, attempts: Attempts(retries, pacing, say: audience.say))
        do { try log.recordSent(sending, at: now, expires: descriptor.expires) } catch {
            // It is sent: the message is worth more than this line.
            audience.say("the sent log could not be finished: \(error)")
        }
        return descriptor
    }

    private var now: Timestamp { Timestamp(seconds: pacing.wallSeconds()) }
}

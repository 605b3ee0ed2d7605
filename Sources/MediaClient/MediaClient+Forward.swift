import Blobs
import Files
package import MediaMessage
import Sealing
import Transfer

/// What the person who forwards says.
package struct ForwardOptions: Sendable {
    /// Replaces the caption; an empty one takes it away, nil leaves it.
    package var caption: String?
    package var hasRecipientSecrets: Bool
    /// The exact plaintext, for a server that has lost the blob.
    package var plaintextPath: String?

    package init(caption: String? = nil, hasRecipientSecrets: Bool = false, plaintextPath: String? = nil) {
        self.caption = caption
        self.hasRecipientSecrets = hasRecipientSecrets
        self.plaintextPath = plaintextPath
    }
}

extension MediaClient {
    /// Has the blob of a message held for others, by a lease of our own; gives the new message, or one for each recipient.
    ///
    /// No byte of the blob moves, unless the server has it no more: then the plaintext, if it is at hand and exactly the
    /// one that was sealed, is sealed again under the same key and salt, and the old messages open again as well.
    package func forward(
        _ message: MediaMessage, options: ForwardOptions
    ) throws(MediaClientError) -> Dispatch {
        let server = try server(of: message)
        let ticket = try ticket(for: server)
        let receipts = try receiptSecrets(forEach: options.hasRecipientSecrets)
        var forwarded = message
        forwarded.receipt = receipts.first
        if let caption = options.caption { forwarded.media.caption = caption.isEmpty ? nil : caption }
        try checkFits(forwarded)
        let header = try sentLeases().last { $0.address == message.address && $0.header != nil }?.header
        if let path = options.plaintextPath { try checkPlaintext(path, message, header) }
        let sending = newLease(on: message, at: server, receipts, header: header)
        do throws(MediaClientError) {
            let descriptor = try log(sending) { () throws(MediaClientError) in try hold(sending, ticket) }
            let messages = messages(forwarded, at: descriptor.url, expires: descriptor.expires, receipts)
            return Dispatch(messages: messages, format: settings.format, entry: nil)
        } catch {
            guard error.isAboutMissingBytes, let path = options.plaintextPath else { throw error }
            audience.say("\(error); sealing it again")
            return try uploadAgain(path, message, as: forwarded, sending, ticket)
        }
    }

    // MARK: Steps

    /// The server that holds the blob, which is one that we go to.
    private func server(of message: MediaMessage) throws(MediaClientError) -> WebURL {
        guard let base = message.url?.base, let server = WebURL(base) else { throw .message(.missing("url")) }
        let policy = HostPolicy(configured: settings.servers, allowsHTTP: settings.allowsHTTP)
        switch policy.verdict(on: server.origin) {
        case .allowed: return server
        case .unknownHost: throw .hostNotAllowed(server.origin)
        case .unprotected: throw .unprotected(server.origin)
        }
    }

    private func hold(_ sending: SentLog.Sending, _ ticket: Ticket?) throws(MediaClientError) -> Descriptor {
        let holding = Holding(
            http: try http(), server: sending.server, ticket: ticket, terms: UploadTerms(sending), pacing: pacing)
        return try holding.run(attempts: Attempts(retries, pacing, say: audience.say))
    }

    // MARK: Sealing again

    /// Before any request: a wrong file never gets as far as a server.
    private func checkPlaintext(
        _ path: String, _ message: MediaMessage, _ header: [UInt8]?
    ) throws(MediaClientError) {
        try withOriginal(path, message, header) { original, plaintext, key throws(SealingError) in
            try checkReproduction(of: original, from: plaintext, key: key, progress: sealingProgress(message))
        }
    }

    private func uploadAgain(
        _ path: String, _ message: MediaMessage, as forwarded: MediaMessage, _ sending: SentLog.Sending,
        _ ticket: Ticket?
    ) throws(MediaClientError) -> Dispatch {
        var stage = try stage()
        try withOriginal(path, message, sending.header) { original, plaintext, key throws(SealingError) in
            try reproduce(
                original, from: plaintext, key: key, into: stage.blob.file, progress: sealingProgress(message))
        }
        let entry = try stage.publish(OutboxRecord(sending, message: forwarded, format: settings.format))
        return try dispatch(new: entry, ticket, untilSent: false, isLogged: true)
    }

    private func withOriginal(
        _ path: String, _ message: MediaMessage, _ header: [UInt8]?,
        _ body: (SealedOriginal, borrowing OpenFile, borrowing MediaKey) throws(SealingError) -> Void
    ) throws(MediaClientError) {
        guard let header else {
            throw .notReproducible("only the sent log of whoever sealed it has the header that this needs")
        }
        guard let key = MediaKey(bytes: message.key) else { throw .message(.invalid("key", "is not 32 bytes")) }
        let plaintext = try onFile(MediaClientError.input) { () throws(FileError) in try OpenFile(path, .read) }
        let original = SealedOriginal(
            address: message.address, size: message.size, header: header, plaintextSize: message.media.size)
        do { try body(original, plaintext, key) } catch { throw .sealing(error) }
    }

    private func sealingProgress(_ message: MediaMessage) -> (Int64) -> Void {
        let audience = audience
        return { audience.progress(Progress(.sealing, $0, of: message.media.size)) }
    }
}

import Blobs
import Files
package import MediaMessage
import Sealing
import Transfer

/// What the person who forwards says.
package struct ForwardOptions: Sendable {
    /// Replaces the caption; an empty one removes it, nil keeps it.
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
    /// Adds a lease of our own to the blob of a message; returns the new message, or one for each recipient.
    ///
    /// Nothing is uploaded unless the server no longer has the blob. Then the plaintext, if it is at hand and exactly
    /// what was sealed, is sealed again under the same key and salt, and the old messages open again as well.
    package func forward(
        _ message: MediaMessage, options: ForwardOptions
    ) throws(MediaClientError) -> SendResult {
        let server = try server(of: message)
        // A ticket that cannot be read is said before a lease is logged.
        _ = try api(server).ticket?.fields()
        let receipts = try receiptSecrets(forEach: options.hasRecipientSecrets)
        var forwarded = message
        forwarded.receipt = receipts.first
        if let caption = options.caption { forwarded.media.caption = caption.isEmpty ? nil : caption }
        try checkFits(forwarded)
        let header = try sentLeases().last { $0.address == message.address && $0.header != nil }?.header
        // Before any request: a wrong file never gets as far as a server.
        if let path = options.plaintextPath { try original(of: message, header, at: path).check(delegate) }

        let lease = leaseRequest(for: message, at: server, receipts, header: header)
        try log(lease)
        do throws(MediaClientError) {
            let stored = try api(server).addLease(lease)
            logSent(lease, expires: stored.expires)
            let messages = messages(forwarded, at: stored.url, stored.mirrors, expires: stored.expires, receipts)
            return SendResult(messages: messages, format: settings.format, entry: nil)
        } catch {
            guard error.isAboutMissingBytes, let path = options.plaintextPath else { throw error }
            delegate.notify("\(error); sealing and uploading it again")
            return try uploadAgain(path, message, as: forwarded, lease)
        }
    }

    /// The server that holds the blob, if we may go there.
    private func server(of message: MediaMessage) throws(MediaClientError) -> WebURL {
        guard let base = message.url?.base, let server = WebURL(base) else { throw .message(.missing("url")) }
        let policy = HostPolicy(configured: settings.servers, allowsHTTP: settings.allowsHTTP)
        switch policy.verdict(on: server.origin) {
        case .allowed: return server
        case .unknownHost: throw .hostNotAllowed(server.origin)
        case .unprotected: throw .unprotected(server.origin)
        }
    }

    // MARK: Sealing again

    private func uploadAgain(
        _ path: String, _ message: MediaMessage, as forwarded: MediaMessage, _ lease: LeaseRequest
    ) throws(MediaClientError) -> SendResult {
        let reply = try ask(lease.server, lease.termFields, size: lease.size, isPatient: false)
        if let silence = reply.silence { throw silence }
        var draft = try outboxDraft()
        try original(of: message, lease.header, at: path).seal(into: draft.blob.file, delegate)
        let entry = try draft.publish(OutboxRecord(lease, message: forwarded, format: settings.format))
        do throws(MediaClientError) {
            return try deliver(entry, untilSent: false, isLogged: true, isAsked: true)
        } catch {
            keepOrDrop(entry, after: error)
            throw error
        }
    }

    private func original(
        of message: MediaMessage, _ header: [UInt8]?, at path: String
    ) throws(MediaClientError) -> OriginalFile {
        guard let header else {
            throw .notReproducible("this needs the blob's header, which only the sender's sent log has")
        }
        let key = try mediaKey(message.key)
        let input = try onFile(MediaClientError.input) { () throws(FileError) in try OpenFile(path, .read) }
        let plaintext = try whole(input)
        let original = SealedOriginal(
            address: message.address, size: message.size, header: header, plaintextSize: message.media.size)
        return OriginalFile(original: original, plaintext: plaintext, key: key)
    }
}

/// A file that is said to be the plaintext of a blob.
private struct OriginalFile: ~Copyable {
    let original: SealedOriginal
    let plaintext: WholeFile
    let key: MediaKey

    /// Throws unless sealing the file again gives exactly that blob.
    func check(_ delegate: ClientDelegate) throws(MediaClientError) {
        do {
            try checkReproduction(of: original, from: plaintext.file, key: key) { report($0, delegate) }
        } catch {
            throw .sealing(error)
        }
    }

    func seal(into blob: borrowing OpenFile, _ delegate: ClientDelegate) throws(MediaClientError) {
        do {
            try reproduce(original, from: plaintext.file, key: key, into: blob) { report($0, delegate) }
        } catch {
            throw .sealing(error)
        }
    }

    private func report(_ done: Int64, _ delegate: ClientDelegate) {
        delegate.progress(StepProgress(.sealing, done, of: original.plaintextSize))
    }
}

extension MediaClientError {
    /// The server does not have the bytes, whether or not it ever had them.
    fileprivate var isAboutMissingBytes: Bool {
        switch self {
        case .notFound, .gone: true
        case .refused(let problem, _): problem.code == "damaged"
        default: false
        }
    }
}

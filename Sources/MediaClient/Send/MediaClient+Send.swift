import Blobs
package import Files
package import MediaMessage
import Sealing
import Transfer

/// What the sender says about a file.
package struct SendOptions: Sendable {
    /// The name that goes into the message; nil for none.
    package var name: String?
    package var caption: String?
    package var alt: String?
    /// Damaged pictures are sent as far as they can be read.
    package var acceptsCorruption: Bool
    /// Each recipient gets a message, and a receipt secret, of their own.
    package var hasRecipientSecrets: Bool
    /// Keeps trying until the file is sent or refused for good.
    package var untilSent: Bool

    package init(
        name: String? = nil, caption: String? = nil, alt: String? = nil, acceptsCorruption: Bool = false,
        hasRecipientSecrets: Bool = false, untilSent: Bool = false
    ) {
        self.name = name
        self.caption = caption
        self.alt = alt
        self.acceptsCorruption = acceptsCorruption
        self.hasRecipientSecrets = hasRecipientSecrets
        self.untilSent = untilSent
    }
}

/// The messages of one file that its server now holds. The outbox keeps them until `MediaClient.forget`.
package struct SendResult {
    package let messages: [MediaMessage]
    /// How they were to be printed when the file was sent.
    package let format: MessageFormat
    /// Nil if nothing had to be uploaded.
    let entry: OutboxEntry?
}

extension MediaClient {
    /// Sends a file. The order of effects is the promise:
    ///
    /// 1. prepare the plaintext, and seal it into the outbox
    /// 2. record the message and what will be asked of the server, durably; from here on it can be resumed
    /// 3. upload, recording each step in the outbox and the lease in the sent log
    /// 4. return the messages; the caller prints them, then calls `forget`
    package func send(_ input: borrowing OpenFile, options: SendOptions) throws(MediaClientError) -> SendResult {
        let server = try uploadServer()
        let ticket = try ticket(for: server)
        let receipts = try receiptSecrets(forEach: options.hasRecipientSecrets)

        let prepared = try prepare(input, options)
        var draft = try outboxDraft()
        var (message, header) = try seal(prepared, into: draft.blob.file)
        message.receipt = receipts.first
        message.url = BlobURL(server.appending(message.address.hex).description)
        try checkFits(message)

        var lease = leaseRequest(for: message, at: server, receipts, header: header)
        lease.padding = settings.padding.rawValue
        let entry = try draft.publish(OutboxRecord(lease, message: message, format: settings.format))

        do throws(MediaClientError) {
            return try deliver(entry, ticket, untilSent: options.untilSent, isLogged: false)
        } catch {
            keepOrDrop(entry, ticket, after: error)
            throw error
        }
    }

    /// Prepares and seals a file into a new file at `path`; returns a message without a location.
    package func seal(
        _ input: borrowing OpenFile, options: SendOptions, to path: String, replacing: Bool
    ) throws(MediaClientError) -> MediaMessage {
        try refuseTaken(path, replacing: replacing)
        let blob = try temporaryFile(beside: path)
        let (message, _) = try seal(try prepare(input, options), into: blob.file)
        try checkFits(message)
        try publish(blob, as: path, replacing: replacing)
        return message
    }

    private func seal(
        _ prepared: borrowing PreparedFile, into blob: borrowing OpenFile
    ) throws(MediaClientError) -> (message: MediaMessage, header: [UInt8]) {
        let key = MediaKey()
        if !key.isLocked { delegate.notify("warning: the system could not lock the key in memory; it may be swapped to disk") }
        var media = prepared.media
        let sealed: SealedBlob
        do {
            sealed = try Sealing.seal(prepared.file, into: blob, key: key, padding: settings.padding) { done in
                delegate.progress(StepProgress(.sealing, done, of: media.size))
            }
        } catch {
            throw .sealing(error)
        }
        media.size = sealed.plaintextSize
        let message = MediaMessage(url: nil, address: sealed.address, size: sealed.size, key: key.bytes, media: media)
        return (message, sealed.header)
    }
}

// MARK: What sending and forwarding share
extension MediaClient {
    /// The most recipients that can have a receipt secret each.
    package static let recipientSecretLimit = LeaseTerms.receiptLimit

    /// The receipt secrets of a new lease: one for all recipients, or one each.
    func receiptSecrets(forEach: Bool) throws(MediaClientError) -> [Secret] {
        guard forEach else { return [.random()] }
        guard let count = settings.recipients, count <= Self.recipientSecretLimit else {
            throw .configuration("separate receipt secrets need 1 to \(Self.recipientSecretLimit) recipients")
        }
        return (0..<count).map { _ in .random() }
    }

    /// A request for a lease by the settings, with an owner secret of its own.
    func leaseRequest(
        for message: MediaMessage, at server: WebURL, _ receipts: [Secret], header: [UInt8]?
    ) -> LeaseRequest {
        LeaseRequest(
            at: now, server: server, address: message.address, size: message.size, owner: .random(),
            receipts: receipts, header: header, lifetime: settings.lifetime, recipients: settings.recipients)
    }

    /// Fails before the upload rather than after it.
    func checkFits(_ message: MediaMessage) throws(MediaClientError) {
        do { _ = try message.encoded() } catch { throw .message(error) }
    }

    /// The key of a message, in guarded memory.
    func mediaKey(of message: MediaMessage) throws(MediaClientError) -> MediaKey {
        guard let key = MediaKey(bytes: message.key) else { throw .message(.invalid("key", "is not 32 bytes long")) }
        return key
    }
}

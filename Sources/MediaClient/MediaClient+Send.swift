import Blobs
package import Files
package import MediaMessage
import Sealing
import Transfer

extension MediaClient {
    /// Prepares, seals and uploads a file; gives the message for the chat, or one for each recipient. Before its first
    /// byte leaves it is in the outbox, where it stays until `settle`.
    package func send(_ input: borrowing OpenFile, options: SendOptions) throws(MediaClientError) -> Dispatch {
        let server = try uploadServer()
        let ticket = try ticket(for: server)
        let receipts = try receiptSecrets(forEach: options.hasRecipientSecrets)
        return try withPlaintext(of: input, options) { plaintext, media throws(MediaClientError) in
            var stage = try stage()
            var (message, header) = try seal(plaintext, media, into: stage.blob.file)
            message.receipt = receipts.first
            message.url = BlobURL(server.appending(message.address.hex).description)
            try checkFits(message)
            var sending = newLease(on: message, at: server, receipts, header: header)
            sending.padding = settings.padding.rawValue
            let entry = try stage.publish(OutboxRecord(sending, message: message, format: settings.format))
            return try dispatch(new: entry, ticket, untilSent: options.untilSent)
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
}

// MARK: What sending and forwarding share
extension MediaClient {
    /// The server of the settings, to which secrets and tickets may go.
    func uploadServer() throws(MediaClientError) -> WebURL {
        guard let server = settings.server else {
            throw .configuration("no server to send to; set SATCHEL_SERVER, or --server https://media.example")
        }
        try requireProtected(server)
        return server
    }

    /// The greatest number of recipients who can have a receipt secret each.
    package static let recipientSecretLimit = LeaseTerms.receiptLimit

    /// The receipt secrets of a new lease: one for all recipients, or one for each.
    func receiptSecrets(forEach: Bool) throws(MediaClientError) -> [Secret] {
        guard forEach else { return [.random()] }
        guard let count = settings.recipients, count <= Self.recipientSecretLimit else {
            throw .configuration("recipient secrets need a number of recipients up to \(Self.recipientSecretLimit)")
        }
        return (0..<count).map { _ in .random() }
    }

    /// What is asked for: a lease by the settings, with an owner secret that nothing else has.
    func newLease(
        on message: MediaMessage, at server: WebURL, _ receipts: [Secret], header: [UInt8]?
    ) -> SentLog.Sending {
        SentLog.Sending(
            at: now, server: server, address: message.address, size: message.size, owner: .random(),
            receipts: receipts, header: header, lifetime: settings.lifetime, recipients: settings.recipients)
    }

    /// Better now than after the upload.
    func checkFits(_ message: MediaMessage) throws(MediaClientError) {
        do { _ = try message.encoded() } catch { throw .message(error) }
    }

    /// Writes down what is about to be asked for, unless that is there already, asks, and writes down what came of it.
    func log(
        _ sending: SentLog.Sending, isLogged: Bool = false, _ ask: () throws(MediaClientError) -> Descriptor
    ) throws(MediaClientError) -> Descriptor {
        try onFile(MediaClientError.state) { () throws(FileError) in
            try state.make()
            if !isLogged { try state.sentLog.record(sending) }
        }
        let descriptor = try ask()
        do {
            try state.sentLog.record(
                .sent(expires: descriptor.expires), at: now, server: sending.server, address: sending.address,
                owner: sending.owner)
        } catch {
            // It is held: the message is worth more than this line.
            audience.say("the sent log could not be finished: \(error)")
        }
        return descriptor
    }

    /// The message once for each receipt secret, with what the server said.
    func messages(
        _ message: MediaMessage, at url: BlobURL?, expires: Timestamp?, _ receipts: [Secret]
    ) -> [MediaMessage] {
        receipts.map { receipt in
            var message = message
            message.url = url
            message.expires = expires
            message.receipt = receipt
            return message
        }
    }
}

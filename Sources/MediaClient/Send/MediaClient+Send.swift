import Blobs
package import Files
package import MediaMessage
import Sealing
import Transfer

/// What the sender says about a file.
package struct SendOptions: Sendable {
    package var name: SentName
    package var caption: String?
    package var alt: String?
    /// Damaged pictures are sent as far as they can be read.
    package var acceptsCorruption: Bool
    /// The file is sent bit for bit, with all that it tells.
    package var isAsItIs: Bool
    /// Each recipient gets a message, and a receipt secret, of their own.
    package var hasRecipientSecrets: Bool
    /// Keeps trying until the file is sent or refused for good.
    package var untilSent: Bool

    package init(
        name: SentName = .none, caption: String? = nil, alt: String? = nil, acceptsCorruption: Bool = false,
        isAsItIs: Bool = false, hasRecipientSecrets: Bool = false, untilSent: Bool = false
    ) {
        self.name = name
        self.caption = caption
        self.alt = alt
        self.acceptsCorruption = acceptsCorruption
        self.isAsItIs = isAsItIs
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

    /// How many recipients its lease counts; nil if none, and if nothing had to be uploaded.
    package var recipients: Int? { entry?.record.lease.recipients }

    /// Where the messages are kept until then; nil if they are not.
    package var outboxName: LeaseName? { entry?.record.name }
}

extension MediaClient {
    /// Sends a file. The order of effects is the promise:
    ///
    /// 1. decide what becomes of the file, and ask the server whether it would take that
    /// 2. prepare the plaintext, and seal it into the outbox
    /// 3. record the message and what will be asked of the server, durably; from here on it can be resumed
    /// 4. upload, recording each step in the outbox and the lease in the sent log
    /// 5. return the messages; the caller prints them, then calls `forget`
    package func send(_ input: borrowing OpenFile, options: SendOptions) throws(MediaClientError) -> SendResult {
        let server = try uploadServer()
        let receipts = try receiptSecrets(forEach: options.hasRecipientSecrets)
        let terms = LeaseRequest.termFields(
            receipts: receipts, lifetime: settings.lifetime, recipients: settings.recipients)

        // A pipe is read only once the server has said that it takes files from here.
        let isRegular = try isRegular(input)
        let early = isRegular ? nil : try ask(server, terms, size: nil, isPatient: options.untilSent)
        let bound = early.flatMap { $0.silence == nil ? sizeRefusal(by: server, terms) : nil }
        let plan = try plan(input, options, within: bound)
        let size = isRegular ? plan.size.flatMap(sealedSize) : nil
        var reply =
            if let early { early } else { try ask(server, terms, size: size, isPatient: options.untilSent) }
        if let silence = reply.silence, !options.untilSent, let size, size > Self.sealedUnaskedLimitBytes {
            delegate.notify("nothing was sealed, since nobody answers; use --wait to seal it now and send it later")
            throw silence
        }
        let prepared = try carryOut(plan, options)
        if size == nil, reply.silence == nil, let size = sealedSize(prepared.media.size),
            size >= settings.resumableFromBytes
        {
            reply = try ask(server, terms, size: size, isPatient: options.untilSent)
        }
        var draft = try outboxDraft()
        var (message, header) = try seal(prepared, into: draft.blob.file)
        message.receipt = receipts.first
        message.url = BlobURL((reply.place ?? server).appending(message.address.hex).description)
        try checkFits(message)

        var lease = leaseRequest(for: message, at: server, receipts, header: header)
        lease.padding = settings.padding.rawValue
        let entry = try draft.publish(OutboxRecord(lease, message: message, format: settings.format))

        do throws(MediaClientError) {
            if let silence = reply.silence, !options.untilSent { throw silence }
            return try deliver(
                entry, untilSent: options.untilSent, isLogged: false, isAsked: reply.silence == nil)
        } catch {
            keepOrDrop(entry, after: error)
            throw error
        }
    }

    /// The largest sealed file that is made although no server answers, in bytes: a moment's work, which then waits in the
    /// outbox. What is larger is sealed if the sender says that it may wait.
    static let sealedUnaskedLimitBytes: Int64 = 64 << 20

    /// What came of asking a server whether it would take a blob.
    enum Reply {
        /// It would; the blob would be below this URL, if it named one.
        case accepts(at: WebURL?)
        /// Nobody answered, and why.
        case silence(MediaClientError)

        var place: WebURL? { if case .accepts(let place) = self { place } else { nil } }
        var silence: MediaClientError? { if case .silence(let error) = self { error } else { nil } }
    }

    /// Asks the server whether it would take a blob, before the work of sealing it. Throws its refusal. A patient sender
    /// asks once, and what may pass with time is no refusal.
    func ask(
        _ server: WebURL, _ terms: [HTTPField], size: Int64?, isPatient: Bool
    ) throws(MediaClientError) -> Reply {
        let api = try api(server)
        var retries = retryLoop()
        while true {
            do throws(MediaClientError) {
                return .accepts(at: try api.check(terms, size: size))
            } catch {
                if isPatient {
                    _ = try retryLoop(.untilDone).delay(after: error)
                    return .silence(error)
                }
                do throws(MediaClientError) { try retries.wait(after: error) } catch {
                    guard error.isSilence else { throw error }
                    return .silence(error)
                }
            }
        }
    }

    /// What a server says to more bytes than it takes; nil if it does not say.
    private func sizeRefusal(by server: WebURL, _ terms: [HTTPField]) -> SizeRefusal? {
        do throws(MediaClientError) {
            _ = try api(server).check(terms, size: SizeRefusal.askedBytes)
            return nil
        } catch {
            return SizeRefusal(error)
        }
    }

    private func isRegular(_ input: borrowing OpenFile) throws(MediaClientError) -> Bool {
        try onFile(MediaClientError.input) { () throws(FileError) in try input.isRegularAsItSays() }
    }

    /// The size of the blob of a file, in bytes.
    private func sealedSize(_ plaintextBytes: Int64) -> Int64? {
        settings.padding.paddedBytes(for: plaintextBytes).flatMap { SealedGeometry(paddedBytes: $0) }?.sealedBytes
    }

    /// Prepares and seals a file into a new file at `path`; returns a message without a location.
    package func seal(
        _ input: borrowing OpenFile, options: SendOptions, to path: String, replacing: Bool
    ) throws(MediaClientError) -> MediaMessage {
        let blob = try output(OutputPlace(path, replacing: replacing), replacing: replacing)
        let (message, _) = try seal(try carryOut(try plan(input, options), options), into: blob.temporary.file)
        try checkFits(message)
        try blob.publish()
        return message
    }

    private func seal(
        _ prepared: borrowing PreparedFile, into blob: borrowing OpenFile
    ) throws(MediaClientError) -> (message: MediaMessage, header: [UInt8]) {
        let key = MediaKey()
        warnIfUnlocked(key)
        var media = prepared.media
        let sealed: SealedBlob
        do {
            sealed = try Sealing.seal(prepared.whole.file, into: blob, key: key, padding: settings.padding) { done in
                delegate.progress(StepProgress(.sealing, done, of: media.size))
            }
        } catch {
            throw .sealing(error)
        }
        media.size = sealed.plaintextSize
        let message = MediaMessage(
            url: nil, address: sealed.address, size: sealed.size, root: sealed.root, key: key.bytes, media: media)
        return (message, sealed.header)
    }
}

extension MediaClientError {
    /// The server itself said nothing: the network failed, or a proxy does not reach it.
    fileprivate var isSilence: Bool {
        switch self {
        case .transfer(let error): error.isTransient
        case .refused(let problem, _): problem.isOfProxyAlone
        default: false
        }
    }
}

/// How a server refuses what is too large, found out before a stream is read.
struct SizeRefusal {
    let limitBytes: Int64
    let error: MediaClientError

    /// As large as a message can say.
    static let askedBytes: Int64 = (1 << 53) - 1

    /// Nil for another refusal.
    init?(_ error: MediaClientError) {
        guard case .refused(let problem, _) = error, let limit = problem.limit,
            problem.code == "too-large" || problem.limitName == "max_size"
        else { return nil }
        limitBytes = limit
        self.error = error
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

    /// Fails before the upload rather than after it, also for a message that will be printed as a link.
    func checkFits(_ message: MediaMessage) throws(MediaClientError) {
        do throws(MessageError) {
            _ = try message.encoded()
            if settings.format == .link, message.url != nil { _ = try text(of: message, as: .link) }
        } catch {
            throw .message(error)
        }
    }

    /// A message as one line, ready to be pasted or piped.
    package func text(of message: MediaMessage, as format: MessageFormat) throws(MessageError) -> String {
        switch format {
        case .json: try message.encoded()
        case .link: try MediaLink.format(message, page: settings.page)
        }
    }

    func warnIfUnlocked(_ key: borrowing MediaKey) {
        guard !key.isLocked else { return }
        delegate.notify("warning: the system could not lock the key in memory; it may be swapped to disk")
    }

    /// The key of a message or a link, in guarded memory.
    func mediaKey(_ bytes: [UInt8]) throws(MediaClientError) -> MediaKey {
        guard let key = MediaKey(bytes: bytes) else { throw .message(.invalid("key", "is not 32 bytes long")) }
        return key
    }
}

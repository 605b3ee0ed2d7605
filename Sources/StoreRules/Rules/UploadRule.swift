import Blobs
package import Store

/// What of an upload's bytes can be judged without a disk: how many there are and how they begin.
package struct UploadRule: Sendable {
    private let acceptance: BlobAcceptance
    private let limitBytes: Int64
    private let announced: Int64?
    /// Bytes taken so far.
    package private(set) var received: Int64 = 0
    private var head: [UInt8] = []
    /// Whether the first bytes were found to be wanted when they came.
    private var isHeadJudged = false

    /// Judges what was announced: `.tooLarge`, or `.notSealed` for fewer bytes than a sealed blob can have.
    package init(announced: Int64?, acceptance: BlobAcceptance, limitBytes: Int64) throws(StoreError) {
        self.acceptance = acceptance
        self.limitBytes = limitBytes
        self.announced = announced
        guard let announced else { return }
        if announced > limitBytes { throw .tooLarge(limitBytes: limitBytes) }
        if acceptance == .sealedOnly && announced < SealedShape.smallestBytes { throw .notSealed }
    }

    /// Goes on where `upload` stands; `head` are its first bytes, as many as there are up to four, or nil where those that
    /// tell have been judged.
    package init(
        resuming upload: ResumableUpload, head: [UInt8]?, acceptance: BlobAcceptance, limitBytes: Int64
    ) throws(StoreError) {
        try self.init(announced: upload.length, acceptance: acceptance, limitBytes: limitBytes)
        received = upload.offset
        self.head = head ?? []
        isHeadJudged = head == nil
    }

    /// Judges the next bytes: `.tooLarge` as soon as what was announced or is allowed is passed, `.notSealed` at the
    /// fourth byte, `.notEncrypted` at the twelfth.
    package mutating func take(_ bytes: [UInt8]) throws(StoreError) {
        let limit = announced ?? limitBytes
        guard Int64(bytes.count) <= limit - received else { throw .tooLarge(limitBytes: limit) }
        received += Int64(bytes.count)
        guard !isHeadJudged, head.count < acceptance.tellingBytes else { return }
        head += bytes.prefix(acceptance.tellingBytes - head.count)
        if head.count == acceptance.tellingBytes { try judgeHead() }
    }

    private func judgeHead() throws(StoreError) {
        if isHeadJudged { return }
        switch acceptance {
        case .sealedOnly where head != SealedShape.magic: throw .notSealed
        case .encryptedOnly where PlainFile.isRecognized(head): throw .notEncrypted
        case .sealedOnly, .encryptedOnly, .any: break
        }
    }

    /// Judges the whole once the last byte is there.
    package func finish() throws(StoreError) {
        if let announced, announced != received {
            throw .lengthMismatch(announced: announced, received: received)
        }
        if acceptance == .sealedOnly && received < SealedShape.smallestBytes { throw .notSealed }
        try judgeHead()
    }
}

/// Whether a request fits to where an upload stands.
package enum ResumptionRule {
    /// The length of the whole as it is known with what the request tells; `.wrongOffset`, `.wrongLength` or `.tooLarge`
    /// where it cannot go on so.
    package static func length(
        of upload: ResumableUpload, with append: UploadAppend, limitBytes: Int64
    ) throws(StoreError) -> Int64? {
        guard append.offset == upload.offset else { throw .wrongOffset(upload.offset) }
        guard let told = append.length else { return upload.length }
        guard told >= upload.offset, upload.length == nil || upload.length == told else { throw .wrongLength }
        guard told <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
        return told
    }
}

extension ResumableUpload {
    /// The same with what is known of its length by now.
    package func with(length: Int64?) -> ResumableUpload {
        ResumableUpload(
            id: id, state: state, length: length, offset: offset, announcement: announcement, expires: expires)
    }
}

/// Why an upload can never be taken, as the catalog keeps it: a code, and its facts behind spaces. The two are exact
/// inverses of each other.
///
///     too-large LIMIT             not-sealed                       digest-mismatch ANNOUNCED ACTUAL
///     lifetime-too-long SECONDS   lifetime-not-entitled SECONDS    size-not-entitled LIMIT
///     lease-ended REASON          receipt-taken                banned
extension StoreError {
    /// Nil for an error that may pass.
    package var refusal: String? {
        switch self {
        case .tooLarge(let limitBytes): "too-large \(limitBytes)"
        case .notSealed: "not-sealed"
        case .digestMismatch(let announced, let actual): "digest-mismatch \(announced.hex) \(actual.hex)"
        case .lifetimeTooLong(let limit): "lifetime-too-long \(limit.seconds)"
        case .lifetimeNotEntitled(let limit): "lifetime-not-entitled \(limit.seconds)"
        case .sizeNotEntitled(let limitBytes): "size-not-entitled \(limitBytes)"
        case .leaseEnded(let reason): "lease-ended \(reason.rawValue)"
        case .receiptTaken: "receipt-taken"
        case .banned: "banned"
        default: nil
        }
    }

    /// Nil for anything that `refusal` does not give.
    package init?(refusal text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        switch (words[0], words.count) {
        case ("not-sealed", 1): self = .notSealed
        case ("receipt-taken", 1): self = .receiptTaken
        case ("banned", 1): self = .banned
        case ("digest-mismatch", 3):
            guard let announced = BlobAddress(hex: words[1]), let actual = BlobAddress(hex: words[2]) else {
                return nil
            }
            self = .digestMismatch(announced: announced, actual: actual)
        case ("lease-ended", 2):
            guard let reason = EndReason(rawValue: words[1]) else { return nil }
            self = .leaseEnded(reason)
        case (let code, 2):
            guard let number = Int64(words[1]) else { return nil }
            self.init(refusal: code, number)
        default: return nil
        }
    }

    private init?(refusal code: String, _ number: Int64) {
        switch (code, Lifetime(seconds: number)) {
        case ("too-large", _): self = .tooLarge(limitBytes: number)
        case ("size-not-entitled", _): self = .sizeNotEntitled(limitBytes: number)
        case ("lifetime-too-long", let limit?): self = .lifetimeTooLong(limit: limit)
        case ("lifetime-not-entitled", let limit?): self = .lifetimeNotEntitled(limit: limit)
        default: return nil
        }
    }
}

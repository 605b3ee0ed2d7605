import Blobs
import Store

/// What of an upload's bytes can be judged without a disk: how many there are and how they begin.
struct UploadRule: Sendable {
    let acceptance: VaultSettings.Acceptance
    let limitBytes: Int64
    let announced: Int64?
    private(set) var received: Int64 = 0
    private var head: [UInt8] = []

    /// Judges what was announced: `.tooLarge`, or `.notSealed` for fewer bytes than a sealed blob can have.
    init(announced: Int64?, settings: VaultSettings) throws(StoreError) {
        acceptance = settings.acceptance
        limitBytes = settings.blobLimitBytes
        self.announced = announced
        guard let announced else { return }
        if announced > limitBytes { throw .tooLarge(limitBytes: limitBytes) }
        if acceptance == .sealedOnly && announced < SealedShape.smallestBytes { throw .notSealed }
    }

    /// Goes on where `upload` stands; `head` are its first bytes, as many as there are up to four.
    init(resuming upload: ResumableUpload, head: [UInt8], settings: VaultSettings) throws(StoreError) {
        try self.init(announced: upload.length, settings: settings)
        received = upload.offset
        self.head = head
    }

    /// Judges the next bytes: `.tooLarge` as soon as what was announced or is allowed is passed, `.notSealed` at the
    /// fourth byte.
    mutating func take(_ bytes: [UInt8]) throws(StoreError) {
        let limit = announced ?? limitBytes
        guard Int64(bytes.count) <= limit - received else { throw .tooLarge(limitBytes: limit) }
        received += Int64(bytes.count)
        guard acceptance == .sealedOnly && head.count < SealedShape.magic.count else { return }
        head += bytes.prefix(SealedShape.magic.count - head.count)
        if head.count == SealedShape.magic.count && head != SealedShape.magic { throw .notSealed }
    }

    /// Judges the whole once the last byte is there.
    func finish() throws(StoreError) {
        if let announced, announced != received {
            throw .lengthMismatch(announced: announced, received: received)
        }
        if acceptance == .sealedOnly && (received < SealedShape.smallestBytes || head != SealedShape.magic) {
            throw .notSealed
        }
    }
}

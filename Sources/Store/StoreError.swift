package import Blobs

/// Why a store refused or failed. Each case carries the facts; BlobHTTP maps it to a status.
package enum StoreError: Error, Hashable, Sendable {
    /// The blob is, or is announced as, larger than the store ever accepts.
    case tooLarge(limitBytes: Int64)
    /// The bytes do not start like a sealed blob, or are too few to be one.
    case notSealed
    /// The bytes begin like a file that was not encrypted, and only encrypted ones are taken this way.
    case notEncrypted
    /// The upload was shorter or longer than announced.
    case lengthMismatch(announced: Int64, received: Int64)
    /// The bytes have another address than the one announced.
    case digestMismatch(announced: BlobAddress, actual: BlobAddress)
    /// Longer than this store keeps anything.
    case lifetimeTooLong(limit: Lifetime)
    /// Too large for this uploader, though others may store a blob of this size.
    case sizeNotEntitled(limitBytes: Int64)
    /// Too long for this uploader, though others may keep a blob that long.
    case lifetimeNotEntitled(limit: Lifetime)
    /// More recipients than this subject may have a lease for.
    case recipientsNotEntitled(limit: Int)
    /// This owner's lease on this blob has ended, and an ended lease is never revived.
    case leaseEnded(EndReason)
    /// A receipt hash names another lease on this blob, one that lives or one that is still remembered.
    case receiptTaken
    /// The name leads to a lease already, one that lives or one that is still remembered.
    case aliasTaken
    /// Never held.
    case notFound
    /// Held once; the last lease ended for this reason.
    case gone(EndReason)
    /// The bytes on disk are not the blob's.
    case damaged
    /// The blob is held, but no lease on it has this secret.
    case wrongSecret
    /// The lease or upload belongs to another subject.
    case wrongSubject
    /// The operator has banned this blob.
    case banned
    /// The resumable upload is at this offset, not at the one given.
    case wrongOffset(Int64)
    /// The resumable upload has a different length, or more bytes already.
    case wrongLength
    /// The bytes of one request do not match its checksum.
    case wrongChecksum
    /// A newer request has taken over this upload.
    case superseded
    /// A limit that will ease with time: which one, and how many seconds to wait.
    case busy(limit: String, retryAfterSeconds: Int64)
    /// No room on the disk.
    case diskFull
    /// The store accepts no writes now; the reason in one sentence.
    case unavailable(String)
    /// A sync failed, and the write may or may not have happened: ask `GET …/lease`.
    case outcomeUnknown
    /// The disk or the catalog failed: what was tried, on what, and why it failed. For logs, not for strangers.
    case io(String)
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let limitBytes): "the blob is larger than \(limitBytes) bytes"
        case .notSealed: "the bytes are not a sealed blob"
        case .notEncrypted: "the bytes are a file that was not encrypted"
        case .lengthMismatch(let announced, let received):
            "\(announced) bytes were announced, but \(received) arrived"
        case .digestMismatch(let announced, let actual):
            "the bytes have the address \(actual.abbreviated)…, not \(announced.abbreviated)…"
        case .lifetimeTooLong(let limit): "the lifetime is longer than \(limit)"
        case .sizeNotEntitled(let limitBytes): "this uploader may store blobs of at most \(limitBytes) bytes"
        case .lifetimeNotEntitled(let limit): "this uploader may keep blobs for at most \(limit)"
        case .recipientsNotEntitled(let limit): "this subject may have leases for at most \(limit) recipients"
        case .leaseEnded(let reason): "the lease has ended (\(reason.rawValue))"
        case .receiptTaken: "a receipt hash names another lease on this blob"
        case .aliasTaken: "the name leads to a lease already"
        case .notFound: "no such blob"
        case .gone(let reason): "the blob is gone (\(reason.rawValue))"
        case .damaged: "the blob is damaged on disk"
        case .wrongSecret: "no lease on this blob has that secret"
        case .wrongSubject: "it belongs to another subject"
        case .banned: "the blob is banned"
        case .wrongOffset(let offset): "the upload is at offset \(offset)"
        case .wrongLength: "the upload has a different length"
        case .wrongChecksum: "the bytes do not match their checksum"
        case .superseded: "a newer request has taken over this upload"
        case .busy(let limit, let seconds): "\(limit) is used up; try again in \(seconds) s"
        case .diskFull: "the disk is full"
        case .unavailable(let why): "the store accepts no writes: \(why)"
        case .outcomeUnknown: "a sync failed; the write may or may not have happened"
        case .io(let what): what
        }
    }
}

extension StoreError {
    /// Work was handed to a store that is closing.
    package static let storeIsClosing = StoreError.unavailable("the store is closing")

    /// Whether the same bytes on the same terms will always be refused: that ends a resumable upload.
    package var isFinalForUpload: Bool {
        switch self {
        case .tooLarge, .notSealed, .digestMismatch, .lifetimeTooLong, .sizeNotEntitled, .lifetimeNotEntitled,
            .leaseEnded, .receiptTaken, .banned:
            true
        // Only uploads in one request meet the first two.
        case .notEncrypted, .aliasTaken, .lengthMismatch, .recipientsNotEntitled, .notFound, .gone, .damaged,
            .wrongSecret, .wrongSubject,
            .wrongOffset, .wrongLength, .wrongChecksum, .superseded, .busy, .diskFull, .unavailable, .outcomeUnknown,
            .io:
            false
        }
    }
}

package import Blobs

/// Why a store did not do what it was asked. Each case carries the facts; the HTTP room gives it a status.
package enum StoreError: Error, Hashable, Sendable {
    /// The blob is, or is announced as, larger than can ever be taken.
    case tooLarge(limitBytes: Int64)
    /// The bytes do not begin as a sealed blob, or are too few to be one.
    case notSealed
    /// The upload ended before, or went on after, its announced length.
    case lengthMismatch(announced: Int64, received: Int64)
    /// The bytes have another address than the one announced.
    case digestMismatch(announced: BlobAddress, actual: BlobAddress)
    /// Longer than this store keeps anything.
    case lifetimeTooLong(limit: Lifetime)
    /// Whoever asks may not hold a blob so large, though others may.
    case sizeNotEntitled(limitBytes: Int64)
    /// Whoever asks may not hold a blob so long, though others may.
    case lifetimeNotEntitled(limit: Lifetime)
    /// This owner's lease on this blob has ended, and what ended stays ended.
    case leaseEnded(EndReason)
    /// Never held.
    case notFound
    /// Held once; the last lease ended for this reason.
    case gone(EndReason)
    /// The bytes on disk are not the blob's.
    case damaged
    /// The blob is held, but not by the owner whose secret was shown.
    case wrongSecret
    /// The lease was made in the name of another subject.
    case wrongSubject
    /// The operator wants nobody to hold this blob.
    case banned
    /// A resumable upload stands at another offset.
    case wrongOffset(Int64)
    /// A resumable upload has another length, or more bytes already.
    case wrongLength
    /// The bytes of one request do not add up to its checksum.
    case wrongChecksum
    /// A newer request goes on with this upload.
    case superseded
    /// A limit that time eases: which one, and how many seconds to wait.
    case busy(limit: String, retryAfterSeconds: Int64)
    /// No room on the disk.
    case diskFull
    /// The store takes no writes now, in one sentence why.
    case unavailable(String)
    /// A sync failed on the way: the write may or may not have happened. Ask `GET …/lease`.
    case outcomeUnknown
    /// The disk or the catalogue failed: what was tried, on what, and why it failed. For logs, not for strangers.
    case io(String)
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let limitBytes): "the blob is larger than \(limitBytes) bytes"
        case .notSealed: "the bytes are not a sealed blob"
        case .lengthMismatch(let announced, let received):
            "\(announced) bytes were announced and \(received) came"
        case .digestMismatch(let announced, let actual):
            "the bytes have the address \(actual.abbreviated)…, not \(announced.abbreviated)…"
        case .lifetimeTooLong(let limit): "nothing is kept longer than \(limit)"
        case .sizeNotEntitled(let limitBytes): "this uploader may hold no blob larger than \(limitBytes) bytes"
        case .lifetimeNotEntitled(let limit): "this uploader may hold nothing longer than \(limit)"
        case .leaseEnded(let reason): "this lease has ended: \(reason.rawValue)"
        case .notFound: "no such blob"
        case .gone(let reason): "the blob is gone: \(reason.rawValue)"
        case .damaged: "the blob is damaged on disk"
        case .wrongSecret: "the secret names no lease on this blob"
        case .wrongSubject: "the lease was made in another name"
        case .banned: "the blob is banned here"
        case .wrongOffset(let offset): "the upload stands at byte \(offset)"
        case .wrongLength: "the upload has another length"
        case .wrongChecksum: "the bytes do not add up to their checksum"
        case .superseded: "a newer request goes on with this upload"
        case .busy(let limit, let seconds): "\(limit) is used up; try again in \(seconds) s"
        case .diskFull: "the disk is full"
        case .unavailable(let why): "the store takes no writes: \(why)"
        case .outcomeUnknown: "a sync failed; whether the write happened is not known"
        case .io(let what): what
        }
    }
}

extension StoreError {
    /// Whether the same bytes on the same terms will be refused for ever: what ends a resumable upload.
    package var isFinalForUpload: Bool {
        switch self {
        case .tooLarge, .notSealed, .digestMismatch, .lifetimeTooLong, .sizeNotEntitled, .lifetimeNotEntitled,
            .leaseEnded, .banned:
            true
        case .lengthMismatch, .notFound, .gone, .damaged, .wrongSecret, .wrongSubject, .wrongOffset, .wrongLength,
            .wrongChecksum, .superseded, .busy, .diskFull, .unavailable, .outcomeUnknown, .io:
            false
        }
    }
}

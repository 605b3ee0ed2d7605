import Blobs
import HTTPTypes
package import Store

extension Problem {
    /// Seconds to wait before asking an unavailable store again.
    static let pauseSeconds: Int64 = 5

    /// The response to an error of the store. Facts about the server's disk stay in its log.
    package init(storeError error: StoreError) {
        switch error {
        case .tooLarge(let limitBytes): self.init(.tooLarge, limit: limitBytes)
        case .notSealed: self.init(.notSealed)
        case .lengthMismatch(let announced, let received):
            self.init(.badField, detail: "Content-Length announced \(announced) bytes, but \(received) arrived.")
        case .digestMismatch(let announced, let actual):
            self.init(.digestMismatch, detail: "Announced \(announced.hex), received \(actual.hex).")
        case .lifetimeTooLong(let limit): self.init(.lifetimeTooLong, limit: limit.seconds)
        case .sizeNotEntitled(let limitBytes): self = .ticketTooSmall("max_size", limit: limitBytes)
        case .lifetimeNotEntitled(let limit): self = .ticketTooSmall("max_lifetime", limit: limit.seconds)
        case .leaseEnded(let reason): self.init(.leaseEnded, reason: reason.rawValue)
        case .notFound: self.init(.notFound)
        case .gone(let reason): self.init(.gone, reason: reason.rawValue)
        case .damaged: self.init(.damaged)
        case .wrongSecret: self.init(.wrongSecret)
        case .wrongSubject: self.init(.wrongSubject)
        case .banned: self.init(.banned)
        case .wrongOffset(let offset): self.init(.wrongOffset, fields: [.uploadOffset: "\(offset)"])
        case .wrongLength: self.init(.wrongLength)
        case .wrongChecksum: self.init(.wrongChecksum)
        case .superseded: self.init(.superseded)
        case .busy(let limit, let seconds): self.init(.quota, limitName: limit, retryAfterSeconds: seconds)
        case .diskFull: self.init(.diskFull)
        case .unavailable(let why): self.init(.unavailable, detail: why, retryAfterSeconds: Self.pauseSeconds)
        case .outcomeUnknown:
            self.init(
                .unavailable, detail: "The outcome is unknown: query the lease before retrying.",
                retryAfterSeconds: Self.pauseSeconds)
        case .io:
            self.init(.unavailable, detail: "The store failed.", retryAfterSeconds: Self.pauseSeconds)
        }
    }
}

extension Problem {
    /// The response to an error about a resumable upload, where it differs from that for a plain one; nil where it does
    /// not.
    init?(resuming error: StoreError, in part: AppendRequest?) {
        switch error {
        case .wrongOffset(let offset):
            self.init(storeError: error)
            offsets = part.map { Offsets(expected: offset, provided: $0.offset) }
        case .lengthMismatch(let announced, _): self.init(.wrongLength, limit: announced)
        case .digestMismatch(let announced, let actual):
            self.init(.uploadDigestMismatch, detail: "Announced \(announced.hex), received \(actual.hex).")
        default: return nil
        }
    }

    /// The response to any error about a resumable upload.
    init(_ error: StoreError, in part: AppendRequest?) {
        self = Problem(resuming: error, in: part) ?? Problem(storeError: error)
    }
}

import Blobs
import HTTPTypes
package import Store

extension Problem {
    /// Seconds after which a store that could not write may be asked again.
    static let pauseSeconds: Int64 = 5

    /// What a client is told when the store throws. Facts about the server's disk stay in its log.
    package init(storeError error: StoreError) {
        switch error {
        case .tooLarge(let limitBytes): self.init(.tooLarge, limit: limitBytes)
        case .notSealed: self.init(.notSealed)
        case .lengthMismatch(let announced, let received):
            self.init(.badField, detail: "Content-Length announced \(announced) bytes and \(received) came.")
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
                .unavailable, detail: "The outcome is unknown: ask for the lease before trying again.",
                retryAfterSeconds: Self.pauseSeconds)
        case .io:
            self.init(.unavailable, detail: "The store could not do it.", retryAfterSeconds: Self.pauseSeconds)
        }
    }
}

import Blobs
package import MediaMessage

/// Which of the leases made from here are meant.
package enum LeaseSelector: Sendable {
    case all
    case pattern(LeasePattern)
    /// The lease whose receipt secret the message carries; where it carries none, those on its blob.
    case message(MediaMessage)

    package func select(from leases: [SentLease]) -> [SentLease] {
        switch self {
        case .all: return leases
        case .pattern(let pattern): return leases.filter { pattern.matches($0) }
        case .message(let message):
            let onBlob = leases.filter { $0.address == message.address }
            guard let receipt = message.receipt else { return onBlob }
            return onBlob.filter { lease in lease.receipts.contains { $0.bytes == receipt.bytes } }
        }
    }

    /// The one lease that is meant; throws where there is none, and where there are several.
    package func selectOne(from leases: [SentLease]) throws(MediaClientError) -> SentLease {
        let chosen = select(from: leases)
        guard let lease = chosen.first else { throw .notSent }
        guard chosen.count == 1 else { throw .ambiguous(chosen.map(\.name)) }
        return lease
    }
}

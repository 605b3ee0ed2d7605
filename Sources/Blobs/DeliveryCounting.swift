/// How the "delivered" of a lease are counted: it follows from how many receipt hashes it has, and from how many
/// recipients are expected.
package enum DeliveryCounting: Hashable, Sendable {
    /// There is no hash, so nobody can report.
    case nobody
    /// One secret for all: distinct recipients count, at most `limit` of them.
    case shared(limit: Int)
    /// One secret for each recipient: each counts once, whatever name it brings.
    case individual(limit: Int)

    /// Nil where the numbers disagree: several hashes are one for each recipient.
    package init?(hashes: Int, recipients: Int?) {
        switch hashes {
        case 0: self = .nobody
        case 1 where recipients != 1: self = .shared(limit: recipients ?? LeaseTerms.recipientLimit)
        default:
            guard recipients == nil || recipients == hashes else { return nil }
            self = .individual(limit: hashes)
        }
    }

    /// The most "delivered" that are kept.
    package var limit: Int {
        switch self {
        case .nobody: 0
        case .shared(let limit), .individual(let limit): limit
        }
    }
}

package import Blobs

/// How a lease that was made from here stands.
package struct LeaseStanding: Sendable {
    package let lease: SentLease
    package let knowledge: Knowledge

    /// Where the knowledge comes from.
    package enum Knowledge: Sendable {
        /// The server has told, just now.
        case told(Lease)
        /// It ended, which was heard earlier; what ended stays ended.
        case remembered(SentLease.End)
        /// The server knows nothing of it: it never arrived, or ended long ago.
        case unknown
        /// The server could not be asked.
        case silent(MediaClientError)
    }

    package init(lease: SentLease, knowledge: Knowledge) {
        self.lease = lease
        self.knowledge = knowledge
    }

    /// How it ended; nil as long as it lives, and where nobody knows.
    package var end: SentLease.End? {
        switch knowledge {
        case .remembered(let end): return end
        case .told(let lease):
            guard case .ended(let reason) = lease.state else { return nil }
            return SentLease.End(reason: reason, at: lease.expires, received: lease.received.count)
        case .unknown, .silent: return nil
        }
    }

    /// False for a lease that was asked for and never came about.
    package var isWorthTelling: Bool {
        if case .unknown = knowledge { lease.isSent } else { true }
    }

    /// Nothing more will happen to it.
    package var isFinal: Bool {
        if case .unknown = knowledge { true } else { end != nil }
    }
}

import Synchronization

/// How much each client has of something that is limited: as much as it wants while there is enough for all, and once
/// that runs short no more than a part.
package final class ClientShares: Sendable {
    private struct State {
        var taken = 0
        var own: [ClientAddress: Int] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    /// Shares of `limit` in all, at least 1.
    package init(limit: Int) {
        self.limit = limit
    }

    /// One share, which is free again when it is let go of; nil where the client has too many already. Whoever is nobody
    /// in particular may have any number.
    package func take(for client: ClientAddress?) -> Permit? {
        let customer = client?.customer
        let isAdmitted = state.withLock { state in
            if let customer {
                let own = state.own[customer] ?? 0
                guard ShareRule.admits(taken: state.taken, own: own, limit: limit) else { return false }
                state.own[customer] = own + 1
            }
            state.taken += 1
            return true
        }
        return isAdmitted ? Permit(of: self, customer) : nil
    }

    private func giveBack(_ customer: ClientAddress?) {
        state.withLock { state in
            state.taken -= 1
            guard let customer, let own = state.own[customer] else { return }
            state.own[customer] = own > 1 ? own - 1 : nil
        }
    }

    /// What one client has of it.
    package final class Permit: Sendable {
        private let shares: ClientShares
        private let customer: ClientAddress?

        fileprivate init(of shares: ClientShares, _ customer: ClientAddress?) {
            self.shares = shares
            self.customer = customer
        }

        deinit { shares.giveBack(customer) }
    }
}

extension Problem {
    /// A client has as much under way as it may have while others want the same.
    package static let shareTaken = Problem(
        .rate, limitName: "requests of this address under way at the origin", retryAfterSeconds: 2)
}

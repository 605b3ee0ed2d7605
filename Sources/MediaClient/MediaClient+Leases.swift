package import Blobs
import Files
import Transfer

extension MediaClient {
    /// Every lease made from here, in the order they were made.
    package func sentLeases() throws(MediaClientError) -> [SentLease] {
        try onFile(MediaClientError.state) { () throws(FileError) in try state.sentLog.leases() }
    }

    /// The lines of the sent log, with the secrets in them.
    package func sentLines() throws(MediaClientError) -> [String] {
        try onFile(MediaClientError.state) { () throws(FileError) in try state.sentLog.lines() }
    }

    /// Asks the servers how these leases stand. A server that was not there for one is not asked about the others.
    package func standings(of leases: [SentLease]) throws(MediaClientError) -> [LeaseStanding] {
        var standings: [LeaseStanding] = []
        var silent: [WebOrigin: MediaClientError] = [:]
        for lease in leases {
            var knowledge = LeaseStanding.Knowledge.unknown
            if let error = silent[lease.server.origin] {
                knowledge = lease.end.map { .remembered($0) } ?? .silent(error)
            } else {
                knowledge = try look(at: lease)
            }
            if case .silent(let error) = knowledge, error.isOfServer { silent[lease.server.origin] = error }
            standings.append(LeaseStanding(lease: lease, knowledge: knowledge))
        }
        return standings
    }

    /// Moves the end of a lease, to the lifetime of the settings from now; gives the lease as it is then.
    package func renew(_ lease: SentLease) throws(MediaClientError) -> Lease {
        let ticket = try ticket(for: lease.server)
        let renewed = try desk(for: lease).renew(settings.lifetime, ticket)
        try note(.renewed(expires: renewed.expires), of: lease)
        return renewed
    }

    /// Ends a lease. One that has ended already is as good; the reason is given.
    package func revoke(_ lease: SentLease) throws(MediaClientError) -> EndReason {
        var reason = EndReason.revoked
        do throws(MediaClientError) { try desk(for: lease).revoke() } catch {
            guard case .gone(let word, _) = error, let known = word.flatMap(EndReason.init(rawValue:)) else {
                throw error
            }
            reason = known
        }
        if lease.end == nil { try note(.ended(reason, received: 0), of: lease) }
        return lease.end?.reason ?? reason
    }

    /// Forgets the leases of the sent log that have been over for `age`; tells how many. Those that may live are kept.
    package func pruneSent(overFor age: Lifetime) throws(MediaClientError) -> Int {
        let now = now
        return try onFile(MediaClientError.state) { () throws(FileError) in
            try state.sentLog.prune { lease in
                lease.overSince.map { now.secondsSince($0) >= age.seconds } ?? false
            }
        }
    }

    // MARK: Steps

    private func look(at lease: SentLease) throws(MediaClientError) -> LeaseStanding.Knowledge {
        do throws(MediaClientError) {
            let answer = try desk(for: lease).look()
            if case .ended(let reason) = answer.state, lease.end == nil {
                try note(.ended(reason, received: answer.received.count), of: lease)
            }
            return .told(answer)
        } catch {
            switch error {
            case .notFound: return lease.end.map { .remembered($0) } ?? .unknown
            case .gone(let word, _):
                let reason = word.flatMap(EndReason.init(rawValue:)) ?? .expired
                return .remembered(lease.end ?? SentLease.End(reason: reason, at: now, received: 0))
            case .state: throw error
            default: return lease.end.map { .remembered($0) } ?? .silent(error)
            }
        }
    }

    private func desk(for lease: SentLease) throws(MediaClientError) -> LeaseDesk {
        try requireProtected(lease.server)
        return LeaseDesk(
            http: try http(), lease: lease, pacing: pacing,
            attempts: Attempts(retries, pacing, say: audience.say))
    }

    private func note(_ event: SentLog.Event, of lease: SentLease) throws(MediaClientError) {
        try onFile(MediaClientError.state) { () throws(FileError) in
            try state.sentLog.record(
                event, at: now, server: lease.server, address: lease.address, owner: lease.owner)
        }
    }
}

extension MediaClientError {
    /// The next request to the same server would fare no better.
    fileprivate var isOfServer: Bool {
        switch self {
        case .transfer, .unprotected: true
        case .refused(let refusal, _): refusal.status == 429 || refusal.status >= 500
        default: false
        }
    }
}

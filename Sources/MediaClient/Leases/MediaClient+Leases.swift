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

    /// Asks the servers about these leases. A server that could not be reached for one is not asked about the others.
    package func status(of leases: [SentLease]) throws(MediaClientError) -> [LeaseStatus] {
        var result: [LeaseStatus] = []
        var unreachable: [HTTPOrigin: MediaClientError] = [:]
        for lease in leases {
            let source: LeaseStatus.Source
            if let error = unreachable[lease.server.origin] {
                source = lease.end.map { .log($0) } ?? .unreachable(error)
            } else {
                source = try lookUp(lease)
            }
            if case .unreachable(let error) = source, error.isOfServer { unreachable[lease.server.origin] = error }
            result.append(LeaseStatus(lease: lease, source: source))
        }
        return result
    }

    /// Moves the expiry of a lease to the lifetime of the settings, from now; returns the renewed lease.
    package func renew(_ lease: SentLease) throws(MediaClientError) -> Lease {
        try requireProtected(lease.server)
        let renewed = try api(lease.server).renew(lease, settings.lifetime)
        try log(.renewed(expires: renewed.expires), of: lease)
        return renewed
    }

    /// Ends a lease. If it has ended already, that is as good; the reason is returned.
    package func revoke(_ lease: SentLease) throws(MediaClientError) -> EndReason {
        try requireProtected(lease.server)
        var reason = EndReason.revoked
        do throws(MediaClientError) { try api(lease.server).revoke(lease) } catch {
            guard case .gone(let word, _) = error, let known = word.flatMap(EndReason.init(rawValue:)) else {
                throw error
            }
            reason = known
        }
        if lease.end == nil { try log(.ended(reason, received: 0), of: lease) }
        return lease.end?.reason ?? reason
    }

    /// Other leases made from here that keep the blob of `lease` at its server, as far as is known here.
    package func leases(keepingFileOf lease: SentLease) throws(MediaClientError) -> [SentLease] {
        let now = now
        return try sentLeases().filter { other in
            other.address == lease.address && other.server.origin.isSameServer(as: lease.server.origin)
                && other.name != lease.name && other.isSent && other.overSince.map { $0 > now } ?? true
        }
    }

    /// Removes from the sent log the leases that have been over for `age`; returns how many. Those that may be alive
    /// stay, and those whose upload waits in the outbox: they may still be made.
    package func pruneSent(overFor age: Lifetime) throws(MediaClientError) -> Int {
        let now = now
        return try onFile(MediaClientError.state) { () throws(FileError) in
            let unsent = try state.outbox.items().filter { $0.progress.url == nil }
            let waiting = Set(unsent.map(\.record.lease.owner.hash))
            return try state.sentLog.prune { lease in
                guard !waiting.contains(lease.owner.hash), let over = lease.overSince else { return false }
                return now.secondsSince(over) >= age.seconds
            }
        }
    }

    /// What the ticket's holder may still use at the server of the settings.
    package func quota() throws(MediaClientError) -> Quota {
        try api(try uploadServer()).quota()
    }

    // MARK: Steps

    private func lookUp(_ lease: SentLease) throws(MediaClientError) -> LeaseStatus.Source {
        do throws(MediaClientError) {
            try requireProtected(lease.server)
            let answer = try api(lease.server, waitsQuietly: true).lease(lease)
            if case .ended(let reason) = answer.state, lease.end == nil {
                try log(.ended(reason, received: answer.received.count), of: lease)
            }
            return .server(answer)
        } catch {
            if error.isAboutNoLease { return lease.end.map { .log($0) } ?? .unknown }
            switch error {
            case .gone(let word, _):
                let reason = word.flatMap(EndReason.init(rawValue:)) ?? .expired
                return .log(lease.end ?? LeaseEnd(reason: reason, at: now, received: 0))
            case .state: throw error
            default: return lease.end.map { .log($0) } ?? .unreachable(error)
            }
        }
    }

    private func log(_ event: SentLog.Event, of lease: SentLease) throws(MediaClientError) {
        try onFile(MediaClientError.state) { () throws(FileError) in
            try state.sentLog.record(
                event, at: now, server: lease.server, address: lease.address, owner: lease.owner)
        }
    }
}

extension MediaClientError {
    /// The server has no lease under this secret. It says so with 403 where others hold the same bytes.
    var isAboutNoLease: Bool {
        switch self {
        case .notFound: true
        case .refused(let problem, _): problem.code == "wrong-secret"
        default: false
        }
    }

    /// The next request to the same server would fare no better.
    fileprivate var isOfServer: Bool {
        switch self {
        case .transfer, .unprotected: true
        case .refused(let problem, _): problem.status == 429 || problem.status >= 500
        default: false
        }
    }
}

/// The status of a lease made from here.
package struct LeaseStatus: Sendable {
    package let lease: SentLease
    package let source: Source

    /// Where the status comes from, and what it is.
    package enum Source: Sendable {
        /// The server's answer, just now.
        case server(Lease)
        /// It ended, as was reported earlier; an end is final.
        case log(LeaseEnd)
        /// The server knows nothing of it: it never arrived, or ended long ago.
        case unknown
        /// The server could not be asked.
        case unreachable(MediaClientError)
    }

    package init(lease: SentLease, source: Source) {
        self.lease = lease
        self.source = source
    }

    /// How it ended; nil while it is alive, and if nobody knows.
    package var end: LeaseEnd? {
        switch source {
        case .log(let end): return end
        case .server(let lease):
            guard case .ended(let reason) = lease.state else { return nil }
            return LeaseEnd(reason: reason, at: lease.expires, received: lease.received.count)
        case .unknown, .unreachable: return nil
        }
    }

    /// False for a lease that was asked for and never confirmed.
    package var isWorthShowing: Bool {
        if case .unknown = source { lease.isSent } else { true }
    }

    /// It will not change any more.
    package var isFinal: Bool {
        if case .unknown = source { true } else { end != nil }
    }
}

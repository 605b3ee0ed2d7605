import Blobs
import Files
import Transfer

/// What a person can do about sends that are not over.
extension MediaClient {
    /// Every entry of the outbox, the oldest first.
    package func outbox() throws(MediaClientError) -> [Outbox.Item] {
        try onFile(MediaClientError.state) { () throws(FileError) in
            try state.outbox.sweep()
            return try state.outbox.items()
        }
    }

    /// Goes on with a send, from the byte that the server has acknowledged; gives its messages once it is done.
    package func resume(_ name: LeaseName, untilSent: Bool) throws(MediaClientError) -> Dispatch {
        let entry = try hold(name)
        let server = entry.record.sending.server
        do throws(MediaClientError) {
            try requireProtected(server)
            return try dispatch(
                entry, try ticket(for: server), untilSent: untilSent, isLogged: try lease(of: entry) != nil)
        } catch {
            waits(entry, because: error)
            throw error
        }
    }

    /// Gives a send up: the upload goes from the server, a lease that it made is revoked, and nothing stays here.
    /// `onlyHere` leaves to the server what is there.
    package func cancel(_ name: LeaseName, onlyHere: Bool) throws(MediaClientError) {
        let entry = try hold(name)
        if entry.standing.isAtServer, !onlyHere { try withdraw(entry) }
        try onFile(MediaClientError.state) { () throws(FileError) in try entry.remove() }
    }

    // MARK: Steps

    private func hold(_ name: LeaseName) throws(MediaClientError) -> OutboxEntry {
        do throws(FileError) {
            if let entry = try state.outbox.entry(name) { return entry }
        } catch {
            if error.isLocked { throw .outboxBusy(name) }
            guard error.isAbsence else { throw .state(error) }
        }
        throw .notInOutbox
    }

    private func withdraw(_ entry: OutboxEntry) throws(MediaClientError) {
        let server = entry.record.sending.server
        try requireProtected(server)
        if let upload = entry.standing.upload {
            try retried { () throws(MediaClientError) in try desk(for: entry, ticket(for: server)).cancel(upload) }
        }
        guard let lease = try lease(of: entry) else { return }
        do throws(MediaClientError) { _ = try revoke(lease) } catch {
            guard error.isAboutNoLease else { throw error }
        }
    }

    private func retried(_ body: () throws(MediaClientError) -> Void) throws(MediaClientError) {
        var attempts = Attempts(retries, pacing, say: audience.say)
        while true {
            do throws(MediaClientError) { return try body() } catch { try attempts.wait(after: error) }
        }
    }

    private func lease(of entry: OutboxEntry) throws(MediaClientError) -> SentLease? {
        try sentLeases().last { $0.owner.hash == entry.record.sending.owner.hash }
    }
}

extension MediaClientError {
    /// The server has no lease under this secret.
    fileprivate var isAboutNoLease: Bool {
        switch self {
        case .notFound: true
        case .refused(let refusal, _): refusal.code == "wrong-secret"
        default: false
        }
    }
}

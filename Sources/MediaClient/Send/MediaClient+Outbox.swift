import Blobs
import Files
import MediaMessage
import Transfer

/// How entries of the outbox reach their server, whether they were made just now or long ago.
extension MediaClient {
    /// Every entry of the outbox, the oldest first.
    package func outbox() throws(MediaClientError) -> [OutboxItem] {
        try onFile(MediaClientError.state) { () throws(FileError) in
            try state.outbox.sweep()
            return try state.outbox.items()
        }
    }

    /// Resumes a send from the byte that the server has acknowledged; returns its messages.
    package func resume(_ name: LeaseName, untilSent: Bool) throws(MediaClientError) -> SendResult {
        let entry = try take(name)
        do throws(MediaClientError) {
            try requireProtected(entry.record.lease.server)
            return try deliver(
                entry, untilSent: untilSent, isLogged: try sentLease(of: entry) != nil, isAsked: false)
        } catch {
            entry.noteFailure(error, at: now, delegate)
            throw error
        }
    }

    /// Gives up a send: cancels the upload, revokes a lease that it made, and removes the entry. `onlyLocally` leaves
    /// what the server has.
    package func cancel(_ name: LeaseName, onlyLocally: Bool) throws(MediaClientError) {
        let entry = try take(name)
        if entry.progress.isAtServer, !onlyLocally { try withdraw(entry) }
        try onFile(MediaClientError.state) { () throws(FileError) in try entry.remove() }
    }

    /// The messages have been printed: the outbox need not keep them.
    package func forget(_ result: SendResult) {
        if let entry = result.entry { forget(entry) }
    }

    // MARK: Delivering

    /// A place in the outbox to seal into.
    func outboxDraft() throws(MediaClientError) -> OutboxDraft {
        do throws(FileError) {
            try state.make()
            try state.sweepSpool(now: now)
            return try state.outbox.draft()
        } catch {
            throw .state(error)
        }
    }

    /// Uploads the blob of an entry unless its server holds it already; returns the messages. `isLogged` says that the
    /// sent log knows the lease, `isAsked` that the server has just said that it would take the blob.
    func deliver(
        _ entry: OutboxEntry, untilSent: Bool, isLogged: Bool, isAsked: Bool
    ) throws(MediaClientError) -> SendResult {
        let record = entry.record
        if entry.progress.url == nil {
            if !isLogged { try log(record.lease) }
            let stored = try upload(entry, untilSent: untilSent, isAsked: isAsked)
            logSent(record.lease, expires: stored.expires)
            entry.noteStored(stored, delegate)
        }
        let progress = entry.progress
        let messages = messages(
            record.message, at: progress.url, progress.mirrors, expires: progress.expires, record.lease.receipts)
        return SendResult(messages: messages, format: record.format, entry: entry)
    }

    /// What becomes of a new entry that could not be delivered: it waits, unless the server refused it at once and for
    /// good; then it is as if nothing had begun. Once the server has begun to take it, only the person gives it up.
    func keepOrDrop(_ entry: OutboxEntry, after error: MediaClientError) {
        if error.isFinalRefusal, entry.progress.failure == nil, !entry.wasBegun { return forget(entry) }
        entry.noteFailure(error, at: now, delegate)
        delegate.notify("kept in the outbox; retry with: satchel outbox resume \(entry.record.name)")
    }

    private func upload(
        _ entry: OutboxEntry, untilSent: Bool, isAsked: Bool
    ) throws(MediaClientError) -> RemoteBlob {
        let server = entry.record.lease.server
        let api = try api(server)
        // The settings may have changed since it was sealed.
        if let place = entry.record.message.url { try api.requireOurs(place) }
        let planner = UploadPlanner(
            size: entry.record.size, resumableFrom: settings.resumableFromBytes, upload: entry.progress.upload,
            acknowledged: entry.progress.acknowledged, mayBeHeld: entry.progress.mayBeHeld, isAsked: isAsked,
            capabilities: capabilities[server.origin] ?? ServerCapabilities())
        var uploader = Uploader(
            api: api, entry: entry, delegate: delegate, planner: planner,
            retries: retryLoop(untilSent ? .untilDone : nil))
        defer { capabilities[server.origin] = uploader.planner.capabilities }
        return try uploader.run()
    }

    /// The message once for each receipt secret, with what the server said. The server's mirrors come before those that the
    /// message had.
    func messages(
        _ message: MediaMessage, at url: BlobURL?, _ mirrors: [BlobURL], expires: Timestamp?, _ receipts: [Secret]
    ) -> [MediaMessage] {
        var message = message
        message.url = url
        message.expires = expires
        message.receipt = receipts.first
        message.putMirrorsFirst(mirrors)
        return receipts.map { receipt in
            var own = message
            own.receipt = receipt
            return own
        }
    }

    // MARK: The sent log

    /// Logs what is about to be asked for: a lease that nobody remembers could not be revoked.
    func log(_ lease: LeaseRequest) throws(MediaClientError) {
        try onFile(MediaClientError.state) { () throws(FileError) in
            try state.make()
            try state.sentLog.record(lease)
        }
    }

    /// Logs that the server holds the blob. The message is worth more than this line: a failure only warns.
    func logSent(_ lease: LeaseRequest, expires: Timestamp?) {
        do {
            try state.sentLog.record(
                .sent(expires: expires), at: now, server: lease.server, address: lease.address, owner: lease.owner)
        } catch {
            delegate.notify("warning: the sent log is incomplete: \(error)")
        }
    }

    // MARK: Entries

    private func take(_ name: LeaseName) throws(MediaClientError) -> OutboxEntry {
        do throws(FileError) {
            if let entry = try state.outbox.entry(name) { return entry }
        } catch {
            if error.isLocked { throw .outboxBusy(name) }
            guard error.isAbsence else { throw .state(error) }
        }
        throw .notInOutbox
    }

    private func forget(_ entry: OutboxEntry) {
        do throws(FileError) { try entry.remove() } catch {
            delegate.notify("warning: \(entry.record.name) could not be removed from the outbox: \(error)")
        }
    }

    private func withdraw(_ entry: OutboxEntry) throws(MediaClientError) {
        let server = entry.record.lease.server
        try requireProtected(server)
        if let upload = entry.progress.upload {
            let api = try api(server)
            var retries = api.retries
            while true {
                do throws(MediaClientError) {
                    try api.cancelUpload(upload)
                    break
                } catch {
                    try retries.wait(after: error)
                }
            }
        }
        guard let lease = try sentLease(of: entry) else { return }
        do throws(MediaClientError) { _ = try revoke(lease) } catch {
            guard error.isAboutNoLease else { throw error }
        }
    }

    private func sentLease(of entry: OutboxEntry) throws(MediaClientError) -> SentLease? {
        try sentLeases().last { $0.owner.hash == entry.record.lease.owner.hash }
    }
}

extension MediaClientError {
    /// The server has judged, and would judge the same tomorrow.
    fileprivate var isFinalRefusal: Bool {
        guard case .refused(let problem, _) = self else { return false }
        return (400..<500).contains(problem.status) && ![408, 423, 425, 429].contains(problem.status)
    }
}

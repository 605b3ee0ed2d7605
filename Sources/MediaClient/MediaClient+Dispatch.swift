import Blobs
import Files
import MediaMessage
import Transfer

/// How an entry of the outbox gets out, whether it was made just now or long ago.
extension MediaClient {
    /// The messages have been given out: nothing of them is kept here.
    package func settle(_ dispatch: Dispatch) {
        if let entry = dispatch.entry { forget(entry) }
    }

    func stage() throws(MediaClientError) -> OutboxStage {
        do throws(FileError) {
            try state.make()
            try state.sweepSpool(now: now)
            return try state.outbox.stage()
        } catch {
            throw .state(error)
        }
    }

    /// Has the server hold what was put into the outbox just now. What it refuses at once leaves no entry behind: it is
    /// as if nothing had begun.
    func dispatch(
        new entry: OutboxEntry, _ ticket: Ticket?, untilSent: Bool, isLogged: Bool = false
    ) throws(MediaClientError) -> Dispatch {
        do throws(MediaClientError) {
            return try dispatch(entry, ticket, untilSent: untilSent, isLogged: isLogged)
        } catch {
            guard error.isRefusalForGood, entry.standing.failure == nil else {
                waits(entry, because: error)
                audience.say(
                    "it waits in the outbox; to send it later: satchel outbox resume \(entry.record.name); "
                        + "to forget it: satchel outbox cancel \(entry.record.name)")
                throw error
            }
            if let upload = entry.standing.upload { try? desk(for: entry, ticket).cancel(upload) }
            forget(entry)
            throw error
        }
    }

    /// The messages of an entry, once the server holds its blob; which is asked for nothing where it does already.
    func dispatch(
        _ entry: OutboxEntry, _ ticket: Ticket?, untilSent: Bool, isLogged: Bool
    ) throws(MediaClientError) -> Dispatch {
        if entry.standing.url == nil {
            let descriptor = try log(entry.record.sending, isLogged: isLogged) { () throws(MediaClientError) in
                try bring(entry, ticket, untilSent ? .untilDone : retries)
            }
            keep(descriptor, entry)
            return dispatch(entry, url: descriptor.url, expires: descriptor.expires)
        }
        return dispatch(entry, url: entry.standing.url, expires: entry.standing.expires)
    }

    /// Writes down why it has not gone out.
    func waits(_ entry: OutboxEntry, because error: MediaClientError) {
        var standing = entry.standing
        standing.failure = error.description
        standing.failedAt = now
        do throws(FileError) { try entry.note(standing) } catch {
            audience.say("the outbox cannot be written: \(error)")
        }
    }

    func desk(for entry: OutboxEntry, _ ticket: Ticket?) throws(MediaClientError) -> UploadDesk {
        let sending = entry.record.sending
        return UploadDesk(
            http: try http(), server: sending.server, ticket: ticket, terms: UploadTerms(sending), pacing: pacing)
    }

    func forget(_ entry: OutboxEntry) {
        do throws(FileError) { try entry.remove() } catch {
            audience.say("\(entry.record.name) could not be taken out of the outbox: \(error)")
        }
    }

    // MARK: Steps

    private func bring(
        _ entry: OutboxEntry, _ ticket: Ticket?, _ policy: RetryPolicy
    ) throws(MediaClientError) -> Descriptor {
        let sending = entry.record.sending
        let blob = try onFile(MediaClientError.state) { () throws(FileError) in try entry.blob() }
        let upload = Upload(
            desk: try desk(for: entry, ticket), pacing: pacing, progress: audience.progress,
            remember: { course throws(MediaClientError) in try self.remember(course, entry) },
            delayed: { self.waits(entry, because: $0) })
        let habits = habits(of: sending.server.origin)
        var course = UploadCourse(
            size: sending.size, resumableFrom: settings.resumableFromBytes, upload: entry.standing.upload,
            acknowledged: entry.standing.acknowledged, mayBeHeld: entry.standing.mayBeHeld, append: habits.append,
            knowsResumable: habits.knowsResumable)
        defer {
            let learned = ServerHabits(append: course.append, knowsResumable: course.knowsResumable)
            remember(learned, of: sending.server.origin)
        }
        return try upload.run(blob, &course, attempts: Attempts(policy, pacing, say: audience.say))
    }

    private func remember(_ course: UploadCourse, _ entry: OutboxEntry) throws(MediaClientError) {
        var standing = entry.standing
        standing.upload = course.upload
        standing.mayBeHeld = course.mayBeHeld
        standing.acknowledged = course.acknowledged
        if standing.acknowledged > entry.standing.acknowledged { standing.failure = nil }
        try onFile(MediaClientError.state) { () throws(FileError) in try entry.note(standing) }
    }

    /// It is held: whatever else fails now, the message is worth more.
    private func keep(_ descriptor: Descriptor, _ entry: OutboxEntry) {
        var standing = OutboxStanding()
        standing.acknowledged = descriptor.size
        standing.url = descriptor.url
        standing.expires = descriptor.expires
        do throws(FileError) {
            try entry.note(standing)
            try entry.dropBlob()
        } catch {
            audience.say("the outbox cannot be written: \(error)")
        }
    }

    private func dispatch(_ entry: OutboxEntry, url: BlobURL?, expires: Timestamp?) -> Dispatch {
        let record = entry.record
        let messages = messages(record.message, at: url, expires: expires, record.sending.receipts)
        return Dispatch(messages: messages, format: record.format, entry: entry)
    }
}

extension MediaClientError {
    /// The server has judged, and would judge the same tomorrow.
    fileprivate var isRefusalForGood: Bool {
        guard case .refused(let refusal, _) = self else { return false }
        return (400..<500).contains(refusal.status) && ![408, 423, 425, 429].contains(refusal.status)
    }
}

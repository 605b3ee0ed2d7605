import Blobs
import Files
import MediaMessage
import Transfer

/// Uploads the blob of an outbox entry: performs the steps that `UploadPlanner` decides, and records what is known
/// after each step before the next.
struct Uploader {
    let api: StoreAPI
    let entry: OutboxEntry
    let delegate: ClientDelegate
    var planner: UploadPlanner
    var retries: RetryLoop
    /// Where the blob will be, by what the server said last.
    private var place: BlobURL?

    init(api: StoreAPI, entry: OutboxEntry, delegate: ClientDelegate, planner: UploadPlanner, retries: RetryLoop) {
        self.api = api
        self.entry = entry
        self.delegate = delegate
        self.planner = planner
        self.retries = retries
        place = entry.record.message.url
    }

    private var lease: LeaseRequest { entry.record.lease }
    private var wallSeconds: Int64 { retries.environment.wallSeconds() }

    /// Returns what the server says about the blob, which fits what was sent.
    mutating func run() throws(MediaClientError) -> RemoteBlob {
        let blob = try onFile(MediaClientError.state) { () throws(FileError) in try entry.blob() }
        while true {
            let step = planner.next
            do throws(MediaClientError) {
                if let stored = try perform(step, blob) { return stored }
            } catch {
                let reaction = planner.handle(error, at: step)
                try record()
                do throws(MediaClientError) { try react(reaction, to: error) } catch {
                    // The last chance to learn that it succeeded after all.
                    if planner.mayBeHeld, error.isInconclusive, let stored = try? heldBlob() {
                        return stored
                    }
                    throw error
                }
            }
        }
    }

    private mutating func react(
        _ reaction: UploadPlanner.Reaction, to error: MediaClientError
    ) throws(MediaClientError) {
        switch reaction {
        case .again: return
        case .fail: throw error
        case .wait, .waitIfTransient:
            let delay = try retries.delay(after: error, isTransient: reaction == .wait)
            entry.noteFailure(error, at: Timestamp(seconds: wallSeconds), delegate)
            retries.wait(delay, after: error)
        }
    }

    private mutating func perform(
        _ step: UploadPlanner.Step, _ blob: borrowing OpenFile
    ) throws(MediaClientError) -> RemoteBlob? {
        switch step {
        case .findLease: return try findLease()
        case .ask:
            let base = try api.check(lease.termFields, size: planner.size)
            place = base.flatMap { BlobURL($0.appending(lease.address.hex).description) } ?? place
            planner.wasAccepted()
        case .put: return try put(blob)
        case .create:
            planner.created(try api.createUpload(for: lease))
            try record()
        case .status(let id):
            let status = try api.status(of: id)
            let before = planner
            guard planner.received(status) else { throw impossible(status) }
            // More has arrived, or the next append differs: either way the count of attempts starts over.
            let isLarger = planner.acknowledged > before.acknowledged
            if isLarger || planner.capabilities.chunkSize != before.capabilities.chunkSize { retries.startOver() }
            try record()
            reportProgress()
        case .append(let id, let offset, let count):
            let start = wallSeconds
            let status = try api.append(count, of: blob, at: offset, to: id)
            guard planner.appended(status, to: offset, count: count, afterSeconds: wallSeconds - start) else {
                throw impossible(status)
            }
            retries.startOver()
            try record()
            reportProgress()
        }
        return nil
    }

    /// What the server holds under the lease, at the place that it has named; nil if nothing.
    private func heldBlob() throws(MediaClientError) -> RemoteBlob? {
        try api.findLease(lease, at: planner.blobURL ?? place)
    }

    /// No lease: either nothing has arrived, or the server contradicts itself.
    private mutating func findLease() throws(MediaClientError) -> RemoteBlob? {
        if let stored = try heldBlob() { return stored }
        guard planner.blobURL == nil else {
            throw .answer("it says that it has the file, yet has no lease on it", host: api.host)
        }
        planner.leaseIsMissing()
        try record()
        return nil
    }

    private mutating func put(_ blob: borrowing OpenFile) throws(MediaClientError) -> RemoteBlob {
        planner.willPut()
        try record()
        let size = planner.size
        return try api.put(blob, for: lease) { delegate.progress(StepProgress(.uploading, $0, of: size)) }
    }

    private func record() throws(MediaClientError) {
        var progress = entry.progress
        progress.upload = planner.upload
        progress.mayBeHeld = planner.mayBeHeld
        progress.acknowledged = planner.acknowledged
        if progress.acknowledged > entry.progress.acknowledged { progress.failure = nil }
        try onFile(MediaClientError.state) { () throws(FileError) in try entry.note(progress) }
    }

    private func reportProgress() {
        delegate.progress(StepProgress(.uploading, planner.acknowledged, of: planner.size))
    }

    private func impossible(_ status: UploadStatus) -> MediaClientError {
        .answer("it reports the impossible offset \(status.offset)", host: api.host)
    }
}

extension MediaClientError {
    /// It leaves open what became of the request.
    fileprivate var isInconclusive: Bool {
        switch self {
        case .transfer: true
        case .refused(let problem, _): problem.status >= 500
        default: false
        }
    }
}

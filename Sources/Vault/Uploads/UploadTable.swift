import Blobs
import Store
import Synchronization

/// The uploads under way: how many there are, what each will be charged to its subject, and what resumable ones keep in
/// memory between two requests.
///
/// The catalogue counts what is committed, and judges exactly; this table refuses uploads early that could not be kept.
final class UploadTable: Sendable {
    /// What one subject has under way.
    struct Share: Hashable, Sendable {
        var uploads = 0
        var bytes: Int64 = 0
    }

    /// A resumable upload that is open.
    struct OpenUpload: Sendable {
        let slot: UploadSlot
        /// The digest of the bytes before the durable offset; nil if they have to be read again.
        var hasher: BlobHasher?
        /// The request that is writing to it.
        var session: ResumedUpload?
    }

    private struct Counts {
        var uploads = 0
        var shares: [String: Share] = [:]
    }

    let disk: DiskReservations
    private let limit: Int
    private let limitPerSubject: Int
    private let counts = Mutex(Counts())
    private let open = Mutex<[UploadID: OpenUpload]>([:])

    init(limit: Int, limitPerSubject: Int, disk: DiskReservations) {
        self.limit = limit
        self.limitPerSubject = limitPerSubject
        self.disk = disk
    }

    // MARK: Counts, changed by slots

    /// What `subject` has under way.
    func share(of subject: String) -> Share { counts.withLock { $0.shares[subject] ?? Share() } }

    /// Enters an upload that will be charged `bytes` to `subject`, or throws `.busy`. Returns what the subject had under way
    /// before: all of it came earlier, so that of two uploads that do not both fit the first is admitted.
    func enter(_ subject: String, bytes: Int64) throws(StoreError) -> Share {
        try counts.withLock { counts throws(StoreError) in
            let before = counts.shares[subject] ?? Share()
            guard counts.uploads < limit else { throw Self.full("uploads open") }
            guard before.uploads < limitPerSubject else { throw Self.full("uploads open of this subject") }
            counts.uploads += 1
            counts.shares[subject] = Share(uploads: before.uploads + 1, bytes: before.bytes + bytes)
            return before
        }
    }

    /// Enters an upload that an earlier process admitted, whatever the limits are now.
    func enterAgain(_ subject: String, bytes: Int64) -> Share {
        counts.withLock { counts in
            let before = counts.shares[subject] ?? Share()
            counts.uploads += 1
            counts.shares[subject] = Share(uploads: before.uploads + 1, bytes: before.bytes + bytes)
            return before
        }
    }

    /// Changes the charge of an upload of `subject`. Returns what the subject has under way then.
    func change(_ subject: String, by bytes: Int64) -> Share {
        counts.withLock { counts in
            counts.shares[subject]?.bytes += bytes
            return counts.shares[subject] ?? Share()
        }
    }

    /// Removes an upload of `subject`.
    func leave(_ subject: String, bytes: Int64) {
        counts.withLock { counts in
            guard var share = counts.shares[subject] else { return }
            share.uploads -= 1
            share.bytes -= bytes
            counts.uploads -= 1
            // A subject with nothing under way is dropped, so that the table is no larger than the number of uploads.
            counts.shares[subject] = share.uploads > 0 ? share : nil
        }
    }

    private static func full(_ limit: String) -> StoreError { .busy(limit: limit, retryAfterSeconds: 5) }

    // MARK: Open uploads

    subscript(_ id: UploadID) -> OpenUpload? { open.withLock { $0[id] } }

    /// The open uploads that no request is writing to.
    var idle: [UploadID] {
        open.withLock { open in open.filter { $0.value.session == nil }.map(\.key) }
    }

    func add(_ id: UploadID, _ slot: UploadSlot) {
        open.withLock { $0[id] = OpenUpload(slot: slot) }
    }

    /// A request begins to write, and owns the digest meanwhile.
    func begin(_ session: ResumedUpload) {
        open.withLock { open in
            open[session.upload.id]?.session = session
            open[session.upload.id]?.hasher = nil
        }
    }

    /// The request has ended, and leaves the digest to the next one.
    func park(_ id: UploadID, _ hasher: BlobHasher?) {
        open.withLock { open in
            open[id]?.session = nil
            open[id]?.hasher = hasher
        }
    }

    /// The upload has ended: gives its slot back.
    func forget(_ id: UploadID) {
        let entry = open.withLock { $0.removeValue(forKey: id) }
        entry?.slot.giveBack()
    }

    /// The store closes.
    func removeAll() {
        let entries = open.withLock { open in
            defer { open = [:] }
            return open
        }
        // Released outside the lock: slots that go with them take it.
        withExtendedLifetime(entries) {}
    }
}

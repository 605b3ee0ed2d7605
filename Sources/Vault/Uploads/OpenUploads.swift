import Blobs
import Store
import StoreParts
import Synchronization

/// What resumable uploads keep in memory while they are open, whether or not a request is bringing their bytes.
final class OpenUploads: Sendable {
    /// A resumable upload that is open.
    struct OpenUpload: Sendable {
        let slot: UploadSlot
        /// The digest of the bytes before the durable offset; nil if they have to be read again.
        var hasher: BlobHasher?
        /// The request that is writing to it.
        var session: ResumedUpload?
    }

    private let open = Mutex<[UploadID: OpenUpload]>([:])

    subscript(_ id: UploadID) -> OpenUpload? { open.withLock { $0[id] } }

    /// The open uploads that no request is writing to.
    var idle: [UploadID] {
        open.withLock { open in open.filter { $0.value.session == nil }.map(\.key) }
    }

    /// An upload is open: its row and its file are durable.
    func add(_ id: UploadID, _ slot: UploadSlot) { open.withLock { $0[id] = OpenUpload(slot: slot) } }

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

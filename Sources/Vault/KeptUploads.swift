import Blobs
import Store
import Synchronization

/// What a process knows of the open uploads beyond what is written down: their places, and who is at work on them.
final class KeptUploads: Sendable {
    /// One open upload.
    struct Kept: Sendable {
        /// Its place among the uploads under way, whether anybody is at work on it or not.
        let place: UploadPlace
        /// The digest of the bytes up to the offset written down; nil where they have to be read again.
        var hasher: BlobHasher?
        /// Its share of the disk, while nobody is at work on it.
        var space: ParkedSpace?
        /// The request that is at work on it.
        var turn: UploadTurn?
    }

    private let uploads = Mutex<[UploadID: Kept]>([:])

    subscript(_ id: UploadID) -> Kept? {
        uploads.withLock { $0[id] }
    }

    func keep(_ upload: Kept, as id: UploadID) {
        uploads.withLock { $0[id] = upload }
    }

    /// The uploads that nobody is at work on.
    var idle: [UploadID] {
        uploads.withLock { uploads in uploads.filter { $0.value.turn == nil }.map(\.key) }
    }

    /// Somebody begins to work on the upload and takes everything that waited for it.
    func begin(_ turn: UploadTurn) {
        uploads.withLock { uploads in
            uploads[turn.upload.id]?.turn = turn
            uploads[turn.upload.id]?.hasher = nil
            uploads[turn.upload.id]?.space = nil
        }
    }

    /// The work has ended; what it leaves waits for the next request.
    func park(_ id: UploadID, _ hasher: BlobHasher?, _ space: ParkedSpace?) {
        uploads.withLock { uploads in
            uploads[id]?.turn = nil
            uploads[id]?.hasher = hasher
            uploads[id]?.space = space
        }
    }

    /// The store closes: whoever was at work is so no longer.
    func removeAll() {
        uploads.withLock { $0 = [:] }
    }

    /// The upload is open no more.
    func forget(_ id: UploadID) {
        let kept = uploads.withLock { $0.removeValue(forKey: id) }
        kept?.place.giveUp()
    }
}

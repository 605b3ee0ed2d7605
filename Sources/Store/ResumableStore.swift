package import Blobs

/// A store that keeps uploads from one request to the next.
///
/// An upload is open until its last byte is there, then full until it is committed or refused; finished, it is
/// remembered for a while, so that a lost answer can be asked for again. **An offset that is told is durable**: its
/// bytes are synced and its row is committed.
///
/// Whatever is asked of an upload that a session is busy with ends that session first: what it had taken counts if its
/// bytes count one by one, and it throws `.superseded` from then on. Nobody waits for a client that has gone.
package protocol ResumableStore: LeaseStore {
    /// Bytes of the largest blob that is taken.
    var blobLimitBytes: Int64 { get }

    /// Admits an upload and writes it down; its file and its row are durable when this returns.
    /// Throws what `begin` would throw, and `.busy` where too many are open.
    func create(_ announcement: UploadAnnouncement) async throws(StoreError) -> ResumableUpload

    /// How the upload stands. `subject` is that of a ticket sent along: `.wrongSubject` if the upload is another's.
    /// Throws `.notFound` for one that was never made, was cancelled, or whose time is up.
    func upload(_ id: UploadID, subject: String?) async throws(StoreError) -> ResumableUpload

    /// Goes on with the upload at `offset`, or tells how it ended.
    /// Throws as `upload(_:subject:)`; `.wrongOffset` where `offset` is not the one it stands at, `.wrongLength` where
    /// `length` is not the one it has, or is less than it holds.
    func resume(
        _ id: UploadID, with append: UploadAppend, subject: String?
    ) async throws(StoreError) -> Resumption

    /// Forgets the upload and removes what it has on the disk; of a committed one the blob and its lease stay.
    /// Throws as `upload(_:subject:)`.
    func cancel(_ id: UploadID, subject: String?) async throws(StoreError)
}

/// What a request brings to an upload that was begun before.
package struct UploadAppend: Sendable {
    /// Where its bytes begin.
    package var offset: Int64
    /// The length of the whole, where the request tells it.
    package var length: Int64?
    /// What its bytes must add up to; with it they count all together or not at all.
    package var checksum: UploadChecksum?

    package init(offset: Int64, length: Int64? = nil, checksum: UploadChecksum? = nil) {
        self.offset = offset
        self.length = length
        self.checksum = checksum
    }
}

/// What became of the wish to go on with an upload.
package enum Resumption: Sendable {
    case ready(any ResumableSession)
    /// It had ended already, as its state says.
    case finished(ResumableUpload)
}

/// One request's part of an upload that outlives it. `append` throws as for any upload; but here only `.notSealed` and
/// `.tooLarge` are the end of the upload, which they refuse. After other throws it can be resumed where it stood.
///
/// `commit` takes the bytes that came for the last ones: it verifies the whole, and afterwards the upload is committed
/// or refused; where disk or quota would not have it now, it is full, and whoever resumes it at its end tries again.
/// `abandon` gives up what this session brought; the upload stays as it was before.
package protocol ResumableSession: UploadSession {
    /// The upload as it stood when this session began.
    var upload: ResumableUpload { get }

    /// Makes what came durable and ends the session, not the upload. Throws `.wrongChecksum` where it does not add up.
    func pause() async throws(StoreError) -> ResumableUpload
}

/// An upload that outlives its requests, as the store has written it down.
package struct ResumableUpload: Sendable {
    package enum State: Sendable {
        /// There are bytes to come, or the last commit could not be done.
        case open
        case committed(StoredBlob)
        /// What came can never be taken, for this reason.
        case refused(StoreError)
    }

    package let id: UploadID
    package let state: State
    /// Bytes of the whole; nil while that is not told.
    package let length: Int64?
    /// Bytes that are here and durable.
    package let offset: Int64
    /// What was announced when it was made: an address, perhaps, and the terms of the lease to be.
    package let announcement: UploadAnnouncement
    /// When it is forgotten unless something happens to it.
    package let expires: Timestamp

    package init(
        id: UploadID, state: State, length: Int64?, offset: Int64, announcement: UploadAnnouncement, expires: Timestamp
    ) {
        self.id = id
        self.state = state
        self.length = length
        self.offset = offset
        self.announcement = announcement
        self.expires = expires
    }
}

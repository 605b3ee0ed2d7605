package import Blobs
import Crypto

/// A store that keeps uploads from one request to the next.
///
/// An upload is open until its last byte has arrived, then full until it is committed or refused. A finished upload is
/// remembered for a while, so that a lost response can be requested again. **A reported offset is durable**: the bytes
/// are synced and the row is committed.
///
/// Any request for an upload with an active session ends that session first: what it has received counts, unless it has
/// a checksum, and it throws `.superseded` from then on. Nobody waits for a client that is gone.
package protocol ResumableStore: LeaseStore {
    /// Bytes of the largest blob that is accepted.
    var blobLimitBytes: Int64 { get }

    /// Admits and records an upload; its file and its row are durable when this returns.
    /// Throws what `begin` would throw, and `.busy` where too many are open.
    func create(_ announcement: UploadAnnouncement) async throws(StoreError) -> ResumableUpload

    /// The status of the upload. `subject` is that of a ticket, if one was sent: `.wrongSubject` if the upload is
    /// another's. Throws `.notFound` for one that never existed, was cancelled, or has expired.
    func upload(_ id: UploadID, subject: String?) async throws(StoreError) -> ResumableUpload

    /// Continues the upload at the offset of `append`, or returns how it ended. Throws as `upload(_:subject:)`;
    /// `.wrongOffset` where the upload is at another offset, `.wrongLength` where it has another length, or more bytes
    /// than that.
    func resume(
        _ id: UploadID, with append: UploadAppend, subject: String?
    ) async throws(StoreError) -> Resumption

    /// Forgets the upload and removes its staged bytes; of a committed one the blob and its lease stay.
    /// Throws as `upload(_:subject:)`.
    func cancel(_ id: UploadID, subject: String?) async throws(StoreError)
}

/// What a request adds to an existing upload.
package struct UploadAppend: Sendable {
    /// Where its bytes begin.
    package var offset: Int64
    /// The length of the whole upload, where the request gives it.
    package var length: Int64?
    /// The checksum of its bytes; with one, they count all together or not at all.
    package var checksum: UploadChecksum?

    package init(offset: Int64, length: Int64? = nil, checksum: UploadChecksum? = nil) {
        self.offset = offset
        self.length = length
        self.checksum = checksum
    }
}

/// The result of resuming an upload.
package enum Resumption: Sendable {
    case ready(any ResumableSession)
    /// It has ended already, as its state says.
    case finished(ResumableUpload)
}

/// One request's part of an upload that outlives it. `append` throws as for any upload, but only `.notSealed` and
/// `.tooLarge` end the upload, which is then refused. After any other error it can be resumed where it was.
///
/// `commit` treats the bytes received so far as complete: it verifies the whole, and afterwards the upload is committed
/// or refused; where disk or quota do not permit it now, it is full, and resuming it at its end tries again. `abandon`
/// drops what this session received; the upload stays as it was before.
package protocol ResumableSession: UploadSession {
    /// The upload as it stood when this session began.
    var upload: ResumableUpload { get }

    /// Makes the received bytes durable and ends the session, not the upload. Throws `.wrongChecksum` where that does
    /// not match.
    func pause() async throws(StoreError) -> ResumableUpload
}

/// An upload that outlives its requests, as recorded by the store.
package struct ResumableUpload: Sendable {
    package enum State: Sendable {
        /// Bytes are missing, or the last commit was not possible.
        case open
        case committed(StoredBlob)
        /// It can never be committed, for this reason.
        case refused(StoreError)
    }

    package let id: UploadID
    package let state: State
    /// Bytes of the whole; nil while that is unknown.
    package let length: Int64?
    /// Bytes that have arrived and are durable.
    package let offset: Int64
    /// What was announced when it was created: the terms of the future lease, and perhaps an address.
    package let announcement: UploadAnnouncement
    /// When it is forgotten unless it makes progress.
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

/// The digest of the body of one request (tus 1.0, checksum).
package struct UploadChecksum: Hashable, Sendable {
    package enum Algorithm: String, Sendable, CaseIterable {
        case sha1, sha256

        /// Bytes of a digest.
        package var byteCount: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            }
        }
    }

    package let algorithm: Algorithm
    /// As many bytes as the algorithm gives.
    package let digest: [UInt8]

    /// Nil for a digest of another length than the algorithm's.
    package init?(_ algorithm: Algorithm, digest: [UInt8]) {
        guard digest.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.digest = digest
    }
}

/// Computes the checksum of the bytes of one request.
package struct ChecksumHasher: Sendable {
    private enum State: Sendable {
        case sha1(Insecure.SHA1)
        case sha256(SHA256)
    }

    private var state: State

    package init(_ algorithm: UploadChecksum.Algorithm) {
        switch algorithm {
        case .sha1: state = .sha1(Insecure.SHA1())
        case .sha256: state = .sha256(SHA256())
        }
    }

    /// Takes the next bytes.
    package mutating func update(_ bytes: [UInt8]) {
        switch state {
        case .sha1(var hasher):
            hasher.update(data: bytes)
            state = .sha1(hasher)
        case .sha256(var hasher):
            hasher.update(data: bytes)
            state = .sha256(hasher)
        }
    }

    /// Whether everything taken so far has `checksum`.
    package func matches(_ checksum: UploadChecksum) -> Bool {
        switch state {
        case .sha1(let hasher): checksum.algorithm == .sha1 && Array(hasher.finalize()) == checksum.digest
        case .sha256(let hasher): checksum.algorithm == .sha256 && Array(hasher.finalize()) == checksum.digest
        }
    }
}

package import Blobs
import Crypto

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

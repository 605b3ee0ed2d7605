import Blobs
import MediaMessage

/// Decides how one blob gets to its server: what is known so far, and the next step. Has no effects.
///
/// Small blobs go by one `PUT`, larger ones by a resumable upload. A `PUT` that was cut, or was too large for a proxy,
/// is followed by a resumable upload if the server supports them; if not, everything goes by `PUT`.
struct UploadPlanner: Sendable {
    enum Step: Hashable, Sendable {
        /// Ask for a lease made by a request whose response was lost.
        case findLease
        /// Ask whether the server would take the blob, and where it would be.
        case ask
        /// Send the whole blob in one request.
        case put
        /// Create a resumable upload.
        case create
        /// Ask for the offset of the upload.
        case status(UploadID)
        case append(UploadID, offset: Int64, count: Int64)
    }

    /// What follows an error.
    enum Reaction: Hashable, Sendable {
        /// Do something else at once.
        case again
        /// Retry if the error looks transient.
        case waitIfTransient
        /// Retry even though the error does not look transient.
        case wait
        case fail
    }

    let size: Int64
    /// Blobs of at least this many bytes use a resumable upload.
    let resumableFrom: Int64
    /// The server's name for the upload; nil if there is none.
    private(set) var upload: UploadID?
    /// Bytes that the server has confirmed; nil if it has to be asked.
    private(set) var offset: Int64?
    /// The highest offset the server has reported for this upload.
    private(set) var acknowledged: Int64
    /// A request that makes a lease was sent, and its outcome is unknown.
    private(set) var mayBeHeld: Bool
    /// The URL of the blob, from a server that has all of it.
    private(set) var blobURL: BlobURL?
    /// What has been learned of the server on the way.
    private(set) var capabilities: ServerCapabilities

    /// The server has said that it would take the blob, at a place where recipients may be sent.
    private var isAsked: Bool
    private var prefersResumable = false
    private var isComplete = false
    /// An append whose response was lost.
    private var lost: (offset: Int64, count: Int64)?

    init(
        size: Int64, resumableFrom: Int64, upload: UploadID? = nil, acknowledged: Int64 = 0, mayBeHeld: Bool = false,
        isAsked: Bool = true, capabilities: ServerCapabilities = ServerCapabilities()
    ) {
        self.size = size
        self.resumableFrom = resumableFrom
        self.upload = upload
        self.acknowledged = acknowledged
        self.mayBeHeld = mayBeHeld
        self.isAsked = isAsked
        self.capabilities = capabilities
    }

    var next: Step {
        if isComplete { return .findLease }
        if let upload {
            guard let offset else { return .status(upload) }
            return .append(upload, offset: offset, count: min(capabilities.chunkSize.bytes, size - offset))
        }
        if mayBeHeld { return .findLease }
        if !isAsked { return .ask }
        return capabilities.hasResumable && (prefersResumable || size >= resumableFrom) ? .create : .put
    }

    // MARK: After a success

    /// The server would take the blob.
    mutating func wasAccepted() { isAsked = true }

    /// A `PUT` is about to be sent.
    mutating func willPut() { mayBeHeld = true }

    /// The server has created an upload, which is empty.
    mutating func created(_ id: UploadID) {
        upload = id
        offset = 0
    }

    /// The server has no lease: the blob has not arrived as a whole.
    mutating func leaseIsMissing() {
        mayBeHeld = false
        isComplete = false
    }

    /// Takes the reported offset; false if it is impossible.
    mutating func received(_ status: UploadStatus) -> Bool {
        guard status.offset <= size else { return false }
        // If nothing at all of the lost append arrived, it may have been too large for a proxy.
        if let lost, status.offset <= lost.offset { _ = capabilities.chunkSize.shrink(below: lost.count) }
        lost = nil
        take(status)
        return true
    }

    /// An append succeeded, after this many seconds; false if the reported offset is impossible.
    mutating func appended(
        _ status: UploadStatus, to start: Int64, count: Int64, afterSeconds seconds: Int64
    ) -> Bool {
        guard status.offset == start + count else { return false }
        capabilities.chunkSize.succeed(with: count, afterSeconds: seconds)
        take(status)
        // The last byte is acknowledged only with the whole blob.
        isComplete = isComplete || status.offset == size
        return true
    }

    // MARK: After a failure

    /// The outcome of an append is unknown: the server has to be asked. `lost` is given if its size may be the reason.
    mutating func loseAppend(_ lost: (offset: Int64, count: Int64)? = nil) {
        if let lost { self.lost = lost }
        offset = nil
    }

    /// The server has no such upload, perhaps because it was completed long ago.
    mutating func startOver() -> Reaction {
        dropUpload()
        mayBeHeld = true
        return .wait
    }

    /// The server, or a proxy before it, has no resumable uploads: use `PUT`.
    mutating func giveUpResumable() -> Reaction {
        capabilities.hasResumable = false
        dropUpload()
        return .again
    }

    /// A `PUT` was cut: it is not sent a second time if there is another way.
    mutating func putWasCut() {
        if mayBeHeld { prefersResumable = true }
    }

    /// An append was refused for its size. False if it cannot be smaller.
    mutating func shrinkAppends(below count: Int64) -> Bool { capabilities.chunkSize.shrink(below: count) }

    /// Splits what is too large for one request. False if the pieces cannot be smaller.
    mutating func preferResumable(appendsBelow count: Int64) -> Bool {
        prefersResumable = true
        return shrinkAppends(below: count)
    }

    private mutating func dropUpload() {
        upload = nil
        offset = nil
        acknowledged = 0
        lost = nil
    }

    private mutating func take(_ status: UploadStatus) {
        offset = status.offset
        acknowledged = max(acknowledged, status.offset)
        guard let blobURL = status.blobURL else { return }
        self.blobURL = blobURL
        isComplete = true
    }
}

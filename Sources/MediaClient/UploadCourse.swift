import Blobs
import MediaMessage

/// What is known of the way of one blob to its server, and so what is to be done next. Decides; does nothing.
///
/// Small blobs go by one `PUT`, larger ones by a resumable upload. A `PUT` that broke, or was too much for a proxy, is
/// followed by a resumable upload where the server knows how; where it does not, everything goes by `PUT`.
struct UploadCourse: Sendable {
    enum Step: Hashable, Sendable {
        /// Is there a lease already, made by a request whose answer was lost?
        case askForLease
        /// The whole blob in one request.
        case put
        case create
        /// How far is the upload?
        case look(UploadID)
        case append(UploadID, offset: Int64, count: Int64)
    }

    /// What an error means for what comes next.
    enum Reaction: Hashable, Sendable {
        /// Something else is done at once.
        case again
        /// It is tried again if errors of this kind pass.
        case waitIfPassing
        /// It is tried again although the error by itself does not look like passing.
        case wait
        case fail
    }

    let size: Int64
    /// From how many bytes on a resumable upload is made.
    let resumableFrom: Int64
    /// What the server has called the upload; nil while there is none.
    private(set) var upload: UploadID?
    /// Bytes that the server has said it has; nil where it has to be asked.
    private(set) var offset: Int64?
    /// The greatest offset that the server has told of this upload.
    private(set) var acknowledged: Int64
    /// A request was made that makes a lease, and what became of it is not known.
    private(set) var mayBeHeld: Bool
    /// Where the blob is, by a server that has all of it.
    private(set) var place: BlobURL?
    private(set) var append: AppendSize
    /// False for a server that was asked and does not know resumable uploads.
    private(set) var knowsResumable: Bool

    private var prefersResumable = false
    private var isDone = false
    /// The append whose answer was lost.
    private var lost: (offset: Int64, count: Int64)?

    init(
        size: Int64, resumableFrom: Int64, upload: UploadID? = nil, acknowledged: Int64 = 0, mayBeHeld: Bool = false,
        append: AppendSize = AppendSize(), knowsResumable: Bool = true
    ) {
        self.size = size
        self.resumableFrom = resumableFrom
        self.upload = upload
        self.acknowledged = acknowledged
        self.mayBeHeld = mayBeHeld
        self.append = append
        self.knowsResumable = knowsResumable
    }

    /// What to do now.
    var next: Step {
        if isDone { return .askForLease }
        if let upload {
            guard let offset else { return .look(upload) }
            return .append(upload, offset: offset, count: min(append.bytes, size - offset))
        }
        if mayBeHeld { return .askForLease }
        return knowsResumable && (prefersResumable || size >= resumableFrom) ? .create : .put
    }

    // MARK: What went well

    /// A `PUT` is about to go out.
    mutating func willPut() { mayBeHeld = true }

    /// The server has made an upload, which is empty.
    mutating func created(_ id: UploadID) {
        upload = id
        offset = 0
    }

    /// There is no lease: nothing has arrived as a whole.
    mutating func leaseIsMissing() {
        mayBeHeld = false
        isDone = false
    }

    /// The server has told how far the upload is. False for what cannot be.
    mutating func looked(_ standing: UploadStanding) -> Bool {
        guard standing.offset <= size else { return false }
        // What came to nothing at all was perhaps too much at once for something in between.
        if let lost, standing.offset <= lost.offset { _ = append.shrink(below: lost.count) }
        lost = nil
        take(standing)
        return true
    }

    /// An append has arrived, after so many seconds. False for an offset that cannot be.
    mutating func appended(
        _ standing: UploadStanding, to start: Int64, count: Int64, afterSeconds seconds: Int64
    ) -> Bool {
        guard standing.offset == start + count else { return false }
        append.succeed(with: count, afterSeconds: seconds)
        take(standing)
        // Where the last byte is acknowledged the whole is.
        isDone = isDone || standing.offset == size
        return true
    }

    // MARK: What did not

    /// An append got no answer, or one of a server in trouble: how far it came is to be asked.
    mutating func loseAppend(_ start: Int64, _ count: Int64) {
        lost = (start, count)
        offset = nil
    }

    /// The same for an append that is no measure of what can pass.
    mutating func loseAppend() { offset = nil }

    /// The server has no such upload. Perhaps because it was done long ago.
    mutating func startAnew() -> Reaction {
        upload = nil
        offset = nil
        acknowledged = 0
        lost = nil
        mayBeHeld = true
        return .wait
    }

    /// The server knows no resumable uploads, or something in between does not let them pass: it goes by `PUT`.
    mutating func goWithoutResumable() -> Reaction {
        knowsResumable = false
        upload = nil
        offset = nil
        acknowledged = 0
        lost = nil
        return .again
    }

    /// A `PUT` that had begun got no answer: it is not tried a second time where there is another way.
    mutating func breakOff() {
        if mayBeHeld { prefersResumable = true }
    }

    /// An append was refused for its size. False if it cannot be less.
    mutating func shrinkAppends(below count: Int64) -> Bool { append.shrink(below: count) }

    /// What is too large for one request goes in several. False if it cannot be less.
    mutating func preferResumable(appendsBelow count: Int64) -> Bool {
        prefersResumable = true
        return append.shrink(below: count)
    }

    private mutating func take(_ standing: UploadStanding) {
        offset = standing.offset
        acknowledged = max(acknowledged, standing.offset)
        guard let place = standing.place else { return }
        self.place = place
        isDone = true
    }
}

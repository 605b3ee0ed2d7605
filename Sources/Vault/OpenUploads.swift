import Blobs
import Store
import Synchronization

/// The uploads under way: how many there are, and what each will cost its subject once it is committed.
///
/// What is committed is counted in the catalogue, and there alone it is exact; this keeps bytes from being sent that
/// could not be kept.
final class OpenUploads: Sendable {
    /// What one subject has under way.
    struct Share: Hashable, Sendable {
        var uploads = 0
        var bytes: Int64 = 0
    }

    private struct State {
        var uploads = 0
        var shares: [String: Share] = [:]
    }

    private let limit: Int
    private let limitPerSubject: Int
    private let state = Mutex(State())

    init(limit: Int, limitPerSubject: Int) {
        self.limit = limit
        self.limitPerSubject = limitPerSubject
    }

    /// Enters an upload that will cost `subject` so many bytes, or throws `.busy`; tells what the subject had under
    /// way before, all of which came earlier, so that of two that do not both fit the first is let in.
    fileprivate func enter(_ subject: String, bytes: Int64) throws(StoreError) -> Share {
        try state.withLock { state throws(StoreError) in
            let before = state.shares[subject] ?? Share()
            guard state.uploads < limit else { throw Self.full("uploads open") }
            guard before.uploads < limitPerSubject else { throw Self.full("uploads open of this subject") }
            state.uploads += 1
            state.shares[subject] = Share(uploads: before.uploads + 1, bytes: before.bytes + bytes)
            return before
        }
    }

    /// Enters an upload that was let in before, whatever the limits say by now.
    fileprivate func enterAgain(_ subject: String, bytes: Int64) -> Share {
        state.withLock { state in
            let before = state.shares[subject] ?? Share()
            state.uploads += 1
            state.shares[subject] = Share(uploads: before.uploads + 1, bytes: before.bytes + bytes)
            return before
        }
    }

    /// Counts `bytes` more for an upload of `subject`, or less; tells what the subject has under way then.
    fileprivate func change(_ subject: String, by bytes: Int64) -> Share {
        state.withLock { state in
            state.shares[subject]?.bytes += bytes
            return state.shares[subject] ?? Share()
        }
    }

    fileprivate func leave(_ subject: String, bytes: Int64) {
        state.withLock { state in
            guard var share = state.shares[subject] else { return }
            share.uploads -= 1
            share.bytes -= bytes
            state.uploads -= 1
            // Subjects with nothing under way are not remembered, so that the table is bounded by the uploads.
            state.shares[subject] = share.uploads > 0 ? share : nil
        }
    }

    /// What `subject` has under way.
    func share(of subject: String) -> Share { state.withLock { $0.shares[subject] ?? Share() } }

    private static func full(_ limit: String) -> StoreError { .busy(limit: limit, retryAfterSeconds: 5) }
}

/// The place of one upload among those under way; it is given up when the value goes, or before.
final class UploadPlace: Sendable {
    /// What the subject had under way when this upload came.
    let before: OpenUploads.Share

    private let uploads: OpenUploads
    private let subject: String
    /// Bytes that it counts for; nil once it is given up.
    private let bytes: Mutex<Int64?>

    /// Takes a place for an upload that will cost `subject` so many bytes, or throws `.busy`.
    init(_ subject: String, bytes: Int64, in uploads: OpenUploads) throws(StoreError) {
        let bytes = Self.bounded(bytes)
        before = try uploads.enter(subject, bytes: bytes)
        self.bytes = Mutex(bytes)
        self.uploads = uploads
        self.subject = subject
    }

    /// Takes the place again of an upload that was let in before.
    init(again subject: String, bytes: Int64, in uploads: OpenUploads) {
        let bytes = Self.bounded(bytes)
        before = uploads.enterAgain(subject, bytes: bytes)
        self.bytes = Mutex(bytes)
        self.uploads = uploads
        self.subject = subject
    }

    deinit { giveUp() }

    /// The upload will cost so many bytes; tells what the subject's others under way will.
    func resize(to bytes: Int64) -> Int64 {
        let new = Self.bounded(bytes)
        return self.bytes.withLock { current in
            guard let old = current else { return uploads.share(of: subject).bytes }
            current = new
            return uploads.change(subject, by: new - old).bytes - new
        }
    }

    /// Gives the place up; again: nothing.
    func giveUp() {
        let held = bytes.withLock { $0.take() }
        if let held { uploads.leave(subject, bytes: held) }
    }

    /// More than any disk has; the sum for one subject stays far from the end of the numbers.
    private static func bounded(_ bytes: Int64) -> Int64 { min(bytes, 1 << 50) }
}

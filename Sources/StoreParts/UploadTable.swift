package import Blobs
package import Store
package import StoreRules
import Synchronization

/// The uploads under way in this process: who holds the places for them, and what each will be charged to its subject.
///
/// A request that brings bytes has a place among the requests, an upload that outlives its requests one among the kept
/// uploads, whether or not a request is bringing its bytes.
package final class UploadTable: Sendable {
    /// What one subject has under way.
    package struct Share: Hashable, Sendable {
        /// Kept uploads, and uploads in one request.
        package var uploads = 0
        /// Bytes that they will be charged.
        package var bytes: Int64 = 0
        /// Those of them that were judged, so that nobody else may use them.
        package var judged: Int64 = 0

        package init(uploads: Int = 0, bytes: Int64 = 0, judged: Int64 = 0) {
            self.uploads = uploads
            self.bytes = bytes
            self.judged = judged
        }
    }

    private typealias Ending = @Sendable () async -> Void

    private struct State {
        var shares: [String: Share] = [:]
        var requests: UploadPlaces<Int>
        var kept: UploadPlaces<UploadID>
        var latestRequest = 0
        /// What ends the requests that can lose their places.
        var endings: [Int: Ending] = [:]

        /// Gives a request a place. Returns its number, and what ends the request that loses its own.
        mutating func addRequest(
            of subject: String, isQuestion: Bool = false
        ) throws(StoreError) -> (number: Int, ending: Ending?) {
            var ending: Ending?
            switch requests.decide(for: subject) {
            case .free: break
            case .taken:
                // Nobody has to go for a question.
                if !isQuestion, let loser = requests.first {
                    ending = endings.removeValue(forKey: loser)
                    requests.leave(loser)
                }
            case .refused: throw StoreError.noPlaceInProgress
            }
            latestRequest += 1
            requests.enter(latestRequest, of: subject)
            return (latestRequest, ending)
        }
    }

    package let disk: DiskReservations
    private let limitPerSubject: Int
    private let state: Mutex<State>

    package init(requests: Int, kept: Int, limitPerSubject: Int, disk: DiskReservations) {
        self.limitPerSubject = limitPerSubject
        self.disk = disk
        state = Mutex(
            State(
                requests: UploadPlaces(limit: requests, sparesBytes: true),
                kept: UploadPlaces(limit: kept, sparesBytes: false)))
    }

    // MARK: Coming

    /// Enters an upload that will be charged `bytes` to `subject`, of which `judged` count against others from now on; or
    /// throws `.busy`. Returns the number of its request, and what the subject had under way before: all of it came
    /// earlier, so that of two uploads that do not both fit the first is admitted.
    ///
    /// - Parameters:
    ///   - isShared: whether the subject stands for many people, who together may have any number under way.
    ///   - isQuestion: whether it only asks if it could come: then nobody loses a place to it.
    package func enter(
        _ subject: String, isShared: Bool = false, bytes: Int64, judged: Int64, isQuestion: Bool
    ) throws(StoreError) -> (request: Int, before: Share) {
        let (request, before, ending) = try state.withLock { state throws(StoreError) in
            let before = state.shares[subject] ?? Share()
            guard isShared || before.uploads < limitPerSubject else { throw StoreError.noPlaceOfSubject }
            let (request, ending) = try state.addRequest(of: subject, isQuestion: isQuestion)
            state.shares[subject] = Share(
                uploads: before.uploads + 1, bytes: before.bytes + bytes, judged: before.judged + judged)
            return (request, before, ending)
        }
        end(ending)
        return (request, before)
    }

    /// Gives an upload that was entered a place among the kept ones, or throws `.busy`. Returns the one that loses its own.
    package func keep(_ id: UploadID, of subject: String) throws(StoreError) -> UploadID? {
        try state.withLock { state throws(StoreError) in
            var loser: UploadID?
            switch state.kept.decide(for: subject) {
            case .free: break
            case .taken: loser = state.kept.first
            case .refused: throw StoreError.noPlaceToKeep
            }
            if let loser { state.kept.leave(loser) }
            state.kept.enter(id, of: subject)
            return loser
        }
    }

    /// Enters a kept upload that an earlier process admitted, whatever the limits are now.
    package func enterAgain(_ id: UploadID, of subject: String, bytes: Int64) {
        state.withLock { state in
            state.kept.enter(id, of: subject)
            state.shares[subject, default: Share()].uploads += 1
            state.shares[subject]?.bytes += bytes
            state.shares[subject]?.judged += bytes
        }
    }

    /// Gives a kept upload its place back, whatever the limits: it could not be forgotten for another.
    package func keepAgain(_ id: UploadID, of subject: String, _ standing: UploadStanding) {
        state.withLock { state in
            state.kept.enter(id, of: subject)
            state.kept.rank(id, standing)
        }
    }

    /// Gives a place to a request that continues a kept upload, or throws `.busy`.
    package func addRequest(of subject: String) throws(StoreError) -> Int {
        let (number, ending) = try state.withLock { state throws(StoreError) in try state.addRequest(of: subject) }
        end(ending)
        return number
    }

    /// Ends a request whose place was taken. It hears of that with its next byte; its file is closed before.
    private func end(_ ending: Ending?) {
        if let ending { Task { await ending() } }
    }

    /// Notes how a kept upload stands that no request is writing to: from now on its place can be taken.
    package func rank(_ id: UploadID, _ standing: UploadStanding) {
        state.withLock { _ = $0.kept.rank(id, standing) }
    }

    // MARK: Requests

    /// From now on the place of `request` can be taken; `ending` ends it then.
    package func offer(_ request: Int, now: Timestamp, ending: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            let standing = UploadStanding(hasBytes: false, latest: now)
            if state.requests.rank(request, standing) { state.endings[request] = ending }
        }
    }

    /// Notes that a request brought bytes, of a kept upload if it names one. False where it has lost its place.
    package func note(_ request: Int, of id: UploadID?, now: Timestamp) -> Bool {
        state.withLock { state in
            let standing = UploadStanding(hasBytes: true, latest: now)
            guard state.requests.rank(request, standing) else { return false }
            if let id { state.kept.rank(id, standing) }
            return true
        }
    }

    /// All bytes are there: from now on the place of `request` cannot be taken. False where it was.
    @discardableResult
    package func hold(_ request: Int) -> Bool {
        state.withLock { state in
            state.endings[request] = nil
            return state.requests.rank(request, nil)
        }
    }

    /// A request has ended: frees its place.
    package func leave(_ request: Int) {
        state.withLock { state in
            state.endings[request] = nil
            state.requests.leave(request)
        }
    }

    // MARK: Charges, changed by slots

    /// What `subject` has under way.
    package func share(of subject: String) -> Share { state.withLock { $0.shares[subject] ?? Share() } }

    /// Changes the charge of an upload of `subject`.
    package func change(_ subject: String, bytes: Int64, judged: Int64) {
        state.withLock { state in
            state.shares[subject]?.bytes += bytes
            state.shares[subject]?.judged += judged
        }
    }

    /// Removes an upload of `subject`, and its place if it was kept.
    package func leave(_ subject: String, _ id: UploadID?, bytes: Int64, judged: Int64) {
        state.withLock { state in
            if let id { state.kept.leave(id) }
            guard var share = state.shares[subject] else { return }
            share.uploads -= 1
            share.bytes -= bytes
            share.judged -= judged
            // A subject with nothing under way is dropped, so that the table is no larger than the number of uploads.
            state.shares[subject] = share.uploads > 0 ? share : nil
        }
    }
}

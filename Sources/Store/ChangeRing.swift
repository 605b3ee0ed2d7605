package import Blobs
import Synchronization

/// Where caches hear that what they were told of a blob may be wrong before its Sunset.
package protocol ChangeFeed: Sendable {
    /// The changes, in the order in which they were acknowledged: a lease that was the last and ended, or was shortened;
    /// a blob that was removed, banned or found damaged. What is new, what lasts longer, and what ends with its time is
    /// not among them. Each is there before anybody hears that it was made, and after its validity has ended.
    var changes: ChangeRing { get }

    /// Whether nothing has changed elsewhere that `changes` does not tell. Readers are told so every second. Never waits.
    ///
    /// True of a store that holds the truth itself. A store that hears of changes from others says it only while it hears
    /// from them that it is so.
    var knowsAllChanges: Bool { get }
}

extension ChangeFeed {
    package var knowsAllChanges: Bool { true }
}

/// The latest changes, numbered from 1 within an epoch, in memory only: as many as 1,048,576, which take 8 MiB once
/// there have been so many. Any number of readers read on from any position that is still there; a reader takes no
/// memory here beyond that of waiting.
package final class ChangeRing: Sendable {
    /// The most changes that are kept.
    package static let capacity = 1 << 20

    /// What comes behind a position.
    package enum NextChanges: Hashable, Sendable {
        /// The next changes, each numbered one more than the one before; none where there are none yet.
        case changes([AddressPrefix])
        /// The position is of another epoch, or the changes behind it are no longer here.
        case lost
        /// All that comes behind it has been read, and nothing more will come.
        case closed
    }

    private struct State {
        var epoch: UInt64
        /// The number of the last change.
        var last: Int64 = 0
        /// Prefixes by their number modulo the capacity, in pieces that are made when they are first needed.
        var pieces: [[UInt64]] = []
        var isClosed = false
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0

        mutating func takeWaiting() -> [CheckedContinuation<Void, Never>] {
            defer { waiting = [:] }
            return Array(waiting.values)
        }
    }

    private let capacity: Int
    private let pieceCount: Int
    private let state: Mutex<State>

    /// A ring without changes, of a random epoch. `capacity` is a power of two.
    package init(capacity: Int = ChangeRing.capacity) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0, "the capacity is a power of two")
        self.capacity = capacity
        pieceCount = min(capacity, 1 << 16)
        state = Mutex(State(epoch: .random(in: .min ... .max)))
    }

    /// Behind the last change.
    package var position: ChangePosition {
        state.withLock { ChangePosition(epoch: $0.epoch, number: $0.last) }
    }

    // MARK: Writing

    /// Adds changes of these addresses, and wakes whoever waits.
    package func append(_ addresses: [BlobAddress]) { append(addresses.map { AddressPrefix($0) }) }

    /// Adds changes that were heard of by their prefixes, and wakes whoever waits.
    package func append(_ prefixes: [AddressPrefix]) {
        if prefixes.isEmpty { return }
        let waiting = state.withLock { state in
            for prefix in prefixes { put(prefix.bits, &state) }
            return state.takeWaiting()
        }
        for waiter in waiting { waiter.resume() }
    }

    private func put(_ bits: UInt64, _ state: inout State) {
        let place = Int(state.last % Int64(capacity))
        let (piece, index) = place.quotientAndRemainder(dividingBy: pieceCount)
        if piece == state.pieces.count { state.pieces.append([UInt64](repeating: 0, count: pieceCount)) }
        state.pieces[piece][index] = bits
        state.last += 1
    }

    /// Begins another epoch, without changes: whatever was read so far has missed some. For whoever has missed changes
    /// itself.
    package func startOver() {
        let waiting = state.withLock { state in
            state.epoch = .random(in: .min ... .max)
            state.last = 0
            state.pieces = []
            return state.takeWaiting()
        }
        for waiter in waiting { waiter.resume() }
    }

    /// Nothing more comes: readers end where they have read all.
    package func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            return state.takeWaiting()
        }
        for waiter in waiting { waiter.resume() }
    }

    // MARK: Reading

    /// The changes behind `position`, `limit` of them at most. Never waits.
    package func read(after position: ChangePosition, limit: Int) -> NextChanges {
        state.withLock { state in
            guard let count = available(after: position, state) else { return .lost }
            if count == 0 { return state.isClosed ? .closed : .changes([]) }
            let prefixes = (0..<min(count, limit)).compactMap { offset in
                let place = Int((position.number + Int64(offset)) % Int64(capacity))
                let (piece, index) = place.quotientAndRemainder(dividingBy: pieceCount)
                return AddressPrefix(bits: state.pieces[piece][index])
            }
            return .changes(prefixes)
        }
    }

    /// How many changes are behind `position`; nil where that cannot be said.
    private func available(after position: ChangePosition, _ state: borrowing State) -> Int? {
        guard position.epoch == state.epoch, position.number <= state.last else { return nil }
        let count = state.last - position.number
        return count <= Int64(capacity) ? Int(count) : nil
    }

    /// Waits until `read(after: position)` would give something else than no changes, or the task is cancelled. Takes no
    /// thread.
    package func waitForMore(after position: ChangePosition) async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    // One that is cancelled from here on is found among the waiting.
                    guard available(after: position, state) == 0, !state.isClosed, !Task.isCancelled else {
                        return false
                    }
                    state.waiting[waiter] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume()
        }
    }

    /// How many wait at this moment.
    package var waiterCount: Int { state.withLock { $0.waiting.count } }
}

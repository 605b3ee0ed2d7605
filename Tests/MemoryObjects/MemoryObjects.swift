package import Blobs
package import Objects
import StoreRules
import Synchronization

/// What an object store in memory holds. It outlives the store, as a bucket does, and another can be opened on it.
package final class MemoryBucket: Sendable {
    private let objects = Mutex<[String: [UInt8]]>([:])

    package init() {}

    /// All that is there, by name.
    package var contents: [String: [UInt8]] { objects.withLock { $0 } }

    /// The bytes of an object, and what they become behind everybody's back; nil where there is none.
    package subscript(_ name: ObjectName) -> [UInt8]? {
        get { objects.withLock { $0[name.text] } }
        set { objects.withLock { $0[name.text] = newValue } }
    }

    /// The same of an object that nobody here would call so.
    package subscript(text name: String) -> [UInt8]? {
        get { objects.withLock { $0[name] } }
        set { objects.withLock { $0[name] = newValue } }
    }
}

/// An object store in memory, with faults that a test can turn on.
package final class MemoryObjects: ObjectStore {
    package enum Operation: Hashable, CaseIterable { case put, get, size, list, remove }

    package enum Fault: Hashable {
        /// It says that it cannot now.
        case unavailable
        /// It refuses, as with wrong keys.
        case refuse
        /// It fails.
        case fail
        /// It has no room.
        case full
        /// It waits until `release` is called, or the task is cancelled, and goes on as if nothing had been.
        case hang
        /// What was asked for happens, and the answer is lost.
        case loseAnswer
        /// `put` acknowledges and forgets; `get` and `size` know of no object, `list` of none; `remove` removes nothing
        /// and says that it did.
        case forget
        /// `put` keeps, and `get` gives, a byte that is another; nothing for the rest.
        case flip
        /// `get` gives one byte less than there is, `size` says so; `remove` leaves the last object where it is and says
        /// so; nothing for the rest.
        case shorten
    }

    private struct State {
        var faults: [Operation: (fault: Fault, rest: Int)] = [:]
        var calls: [Operation: Int] = [:]
        var hanging: [Int: CheckedContinuation<Void, Never>] = [:]
        var cancelled: Set<Int> = []
        var nextTicket = 0
        var isClosed = false
        var unreadable: Set<ObjectName> = []
    }

    private let state = Mutex(State())
    private let bucket: MemoryBucket

    package init(on bucket: MemoryBucket = MemoryBucket()) {
        self.bucket = bucket
    }

    // MARK: For tests

    /// Makes each of `operations` go wrong, so often.
    package func fail(_ operations: Operation..., with fault: Fault, times: Int = .max) {
        state.withLock { state in
            for operation in operations { state.faults[operation] = (fault, times) }
        }
    }

    /// Lets this object be there and never be given.
    package func withhold(_ name: ObjectName) { state.withLock { _ = $0.unreadable.insert(name) } }

    /// Ends all faults and lets go on what hangs.
    package func heal() {
        state.withLock { ($0.faults, $0.unreadable) = ([:], []) }
        release()
    }

    /// Lets go on what hangs.
    package func release() {
        let hanging = state.withLock { state in
            defer { state.hanging = [:] }
            return state.hanging.values
        }
        for continuation in hanging { continuation.resume() }
    }

    /// Calls that hang.
    package var hangingCount: Int { state.withLock { $0.hanging.count } }
    /// How often each was called.
    package func calls(_ operation: Operation) -> Int { state.withLock { $0.calls[operation] ?? 0 } }
    /// All that is there, by name.
    package var objects: [String: [UInt8]] { bucket.contents }

    /// Changes what is there behind everybody's back; nil for nothing there.
    package func set(_ bytes: [UInt8]?, as name: ObjectName) { bucket[name] = bytes }

    // MARK: ObjectStore

    package func put(_ bytes: [UInt8], as name: ObjectName, digest: BlobAddress) async throws(ObjectError) {
        precondition(bytes.count <= ObjectRow.limitBytes, "an object of \(bytes.count) bytes is too large")
        let fault = try await begin(.put)
        guard BlobAddress(of: bytes) == digest else { throw .failed("the bytes are not those of the digest") }
        if fault == .forget { return }
        bucket[name] = fault == .flip ? Self.flipped(bytes) : bytes
        if fault == .loseAnswer { throw .unavailable("the answer was lost", retryAfterSeconds: 1) }
    }

    package func get(_ name: ObjectName, range: ByteRange?) async throws(ObjectError) -> [UInt8]? {
        let fault = try await begin(.get)
        if fault == .loseAnswer { throw .unavailable("the answer was lost", retryAfterSeconds: 1) }
        if state.withLock({ $0.unreadable.contains(name) }) { throw .unavailable("a fault", retryAfterSeconds: 1) }
        guard fault != .forget, var bytes = bucket[name] else { return nil }
        if fault == .shorten { bytes = bytes.dropLast() }
        if let range { bytes = Array(bytes.dropFirst(Int(range.offset)).prefix(Int(range.count))) }
        return fault == .flip ? Self.flipped(bytes) : bytes
    }

    package func size(of name: ObjectName) async throws(ObjectError) -> Int64? {
        let fault = try await begin(.size)
        if fault == .loseAnswer { throw .unavailable("the answer was lost", retryAfterSeconds: 1) }
        guard fault != .forget, let count = bucket[name]?.count else { return nil }
        return Int64(fault == .shorten ? max(0, count - 1) : count)
    }

    package func list(_ folder: String, after: String?) async throws(ObjectError) -> ObjectListing {
        let fault = try await begin(.list)
        if fault == .loseAnswer { throw .unavailable("the answer was lost", retryAfterSeconds: 1) }
        if fault == .forget { return ObjectListing(objects: [], isLast: true) }
        let entries = bucket.contents.filter { name, _ in
            name.hasPrefix(folder) && (after.map { $0.utf8.lexicographicallyPrecedes(name.utf8) } ?? true)
        }.map { ListedObject(name: $0.key, size: Int64($0.value.count)) }.sorted {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        return ObjectListing(
            objects: Array(entries.prefix(ObjectListing.limit)), isLast: entries.count <= ObjectListing.limit)
    }

    package func remove(_ names: [ObjectName]) async throws(ObjectError) -> [ObjectName] {
        precondition(names.count <= ObjectListing.limit, "\(names.count) objects are too many for one call")
        let fault = try await begin(.remove)
        if fault == .forget { return [] }
        let kept = fault == .shorten ? Array(names.suffix(1)) : []
        for name in names where !kept.contains(name) { bucket[name] = nil }
        if fault == .loseAnswer { throw .unavailable("the answer was lost", retryAfterSeconds: 1) }
        return kept
    }

    package func close() async {
        state.withLock { $0.isClosed = true }
        release()
    }

    // MARK: Faults

    /// Counts a call; throws or waits where a fault says so. The fault, where what happens depends on it.
    private func begin(_ operation: Operation) async throws(ObjectError) -> Fault? {
        let fault = state.withLock { state -> Fault? in
            state.calls[operation, default: 0] += 1
            guard let (fault, rest) = state.faults[operation] else { return nil }
            state.faults[operation] = rest > 1 ? (fault, rest == .max ? rest : rest - 1) : nil
            return fault
        }
        if fault == .hang { await hang() }
        if state.withLock({ $0.isClosed }) || Task.isCancelled {
            throw .unavailable("it was closed, or the task was cancelled", retryAfterSeconds: 1)
        }
        switch fault {
        case .unavailable: throw .unavailable("a fault of a test", retryAfterSeconds: 2)
        case .refuse: throw .refused("a fault of a test")
        case .fail: throw .failed("a fault of a test")
        case .full: throw .full
        case .hang, .loseAnswer, .forget, .flip, .shorten, nil: return fault
        }
    }

    private func hang() async {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if state.isClosed || state.cancelled.contains(ticket) { return true }
                    state.hanging[ticket] = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                state.cancelled.insert(ticket)
                return state.hanging.removeValue(forKey: ticket)
            }?.resume()
        }
    }

    private static func flipped(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        if let middle = bytes.indices.dropFirst(bytes.count / 2).first { bytes[middle] ^= 1 }
        return bytes
    }
}

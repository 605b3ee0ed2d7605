import Synchronization

/// One lock for each key, which may be held across suspensions: so that of all that can happen to a blob, say, only
/// one thing happens at a time. Waiting suspends the task and blocks no thread; whoever came first goes first.
package final class KeyedLocks<Key: Hashable & Sendable>: Sendable {
    /// The keys that are locked, each with what its waiters do next.
    private let waiting = Mutex<[Key: [@Sendable () -> Void]]>([:])

    package init() {}

    /// Runs `body` while holding the lock of `key`.
    package func withLock<Value, Failure: Error>(
        _ key: Key, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        await acquire(key)
        defer { release(key) }
        return try await body()
    }

    /// Takes the lock if nobody holds it.
    package func tryAcquire(_ key: Key) -> Bool {
        waiting.withLock { waiting in
            guard waiting[key] == nil else { return false }
            waiting[key] = []
            return true
        }
    }

    /// Calls `body` with the lock held: at once if it is free, else on the thread that releases it. The caller releases
    /// it in the end.
    package func acquire(_ key: Key, then body: @escaping @Sendable () -> Void) {
        let isFree = waiting.withLock { waiting in
            if waiting[key] == nil {
                waiting[key] = []
                return true
            }
            waiting[key]?.append(body)
            return false
        }
        if isFree { body() }
    }

    /// Gives the lock to whoever waits longest.
    package func release(_ key: Key) {
        let next = waiting.withLock { waiting -> (@Sendable () -> Void)? in
            guard let first = waiting[key]?.first else {
                waiting[key] = nil
                return nil
            }
            waiting[key]?.removeFirst()
            return first
        }
        next?()
    }

    private func acquire(_ key: Key) async {
        await withCheckedContinuation { continuation in acquire(key) { continuation.resume() } }
    }
}

import Files
import NIOPosix
package import Store

/// Threads for work that blocks: neither an event loop nor a thread of the cooperative pool ever waits for a disk.
///
/// Work once begun is finished whatever becomes of the task that asked for it. Event loops go first where processors
/// are few: an answer that is ready costs microseconds, and what waits for a disk is not hurt by waiting for them.
package final class BlockingPool: Sendable {
    /// Of all pools together: a process has only so many such variables.
    private static let modesty = ThreadSpecificVariable<Modesty>()

    private let pool: NIOThreadPool

    package init(threads: Int) {
        pool = NIOThreadPool(numberOfThreads: max(1, threads))
        pool.start()
    }

    /// Runs `body` on one of the threads and gives what it gave.
    package func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            submit {
                continuation.resume(returning: Result { () throws(StoreError) in try body() })
            } orElse: {
                continuation.resume(returning: .failure(.storeIsClosing))
            }
        }
        return try result.get()
    }

    /// Runs `body` on one of the threads, later; when the threads are gone, `instead`.
    package func submit(_ body: @escaping @Sendable () -> Void, orElse instead: @escaping @Sendable () -> Void) {
        pool.submit { state in
            guard case .active = state else { return instead() }
            self.settle()
            body()
        }
    }

    /// Makes a thread modest before the first work that it does.
    private func settle() {
        guard Self.modesty.currentValue == nil else { return }
        ThreadPriority.yieldToOthers()
        Self.modesty.currentValue = Modesty()
    }

    /// What a thread carries that has been made modest.
    private final class Modesty: Sendable {}

    /// Lets begun work finish and ends the threads.
    package func shutDown() async {
        // Fails only where it was shut down before.
        try? await pool.shutdownGracefully()
    }
}

import Files
import Glibc
import Synchronization

/// The names of temporary files that a signal must not leave behind.
///
/// From the first name on SIGINT, SIGTERM and SIGHUP are taken by a thread that waits for them: it removes the files
/// and lets the signal end the program as it would have. No code runs inside a signal handler.
final class TemporaryNames: Sendable {
    static let shared = TemporaryNames()

    private struct State {
        var names: Set<String> = []
        var isWatching = false
    }

    private let state = Mutex(State())

    func add(_ name: String) {
        let isFirst = state.withLock { state in
            state.names.insert(name)
            defer { state.isWatching = true }
            return !state.isWatching
        }
        if isFirst { watch() }
    }

    func forget(_ name: String) {
        state.withLock { state in _ = state.names.remove(name) }
    }

    private func removeAll() {
        for name in state.withLock({ $0.names }) { _ = try? Folder.remove(name) }
    }

    /// Threads that are started later inherit the blocked signals.
    private func watch() {
        var signals = Self.endingSignals()
        _ = unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        // Safe: the thread uses nothing but the shared object, which lives as long as the program.
        _ = unsafe pthread_create(&thread, nil, { _ in unsafe TemporaryNames.shared.awaitSignal() }, nil)
        _ = pthread_detach(thread)
    }

    private func awaitSignal() -> UnsafeMutableRawPointer? {
        var signals = Self.endingSignals()
        var received: Int32 = 0
        while unsafe sigwait(&signals, &received) != 0 {}
        removeAll()
        // Safe: these two only change what the signal does to this process.
        _ = signal(received, SIG_DFL)
        _ = unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        _ = kill(getpid(), received)
        return nil
    }

    private static func endingSignals() -> sigset_t {
        var signals = sigset_t()
        _ = unsafe sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { _ = unsafe sigaddset(&signals, number) }
        return signals
    }
}

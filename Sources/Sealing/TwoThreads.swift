import Dispatch
import Glibc
import Synchronization

/// The buffers of one run on its way.
struct RunBuffers: Sendable {
    /// How many runs may be on their way: 1.5 MiB in all.
    static let countAtOnce: Int64 = 6

    var plain = [UInt8](repeating: 0, count: ChunkRun.longestPaddedBytes)
    var sealed = [UInt8](repeating: 0, count: ChunkRun.longestSealedBytes)
}

/// Works through runs on two threads, in the order that `Conveyor` decides. Memory is bounded, whatever the count.
///
/// Throws what the first failing run, in their order, threw. `progress` is told the number of runs written, on the
/// caller's thread. Returns when both threads are done; the closures are never called after that.
func workOnTwoThreads(
    runs count: Int64,
    prepare: (Int64, inout RunBuffers) throws(SealingError) -> Void,
    digest: (Int64, RunBuffers) -> Void,
    write: (Int64, RunBuffers) throws(SealingError) -> Void,
    progress: (Int64) -> Void
) throws(SealingError) {
    let slots = (0..<min(count, RunBuffers.countAtOnce)).map { _ in RunBuffers() }
    let line = Line(Conveyor(count: count, slots: slots))
    func work(_ progress: (Int64) -> Void) {
        while true {
            switch line.next() {
            case .prepare(let index, let buffers):
                let outcome = attempt(buffers) { buffers throws(SealingError) in try prepare(index, &buffers) }
                line.report { $0.prepared(index, outcome) }
            case .digest(let index, let buffers):
                digest(index, buffers)
                line.report { $0.digested(buffers) }
            case .write(let index, let buffers):
                let outcome = attempt(buffers) { buffers throws(SealingError) in try write(index, buffers) }
                line.report { $0.written(outcome) }
                progress(index + 1)
            case .wait: line.wait()
            case .stop: return line.wakeTheOther()
            }
        }
    }
    if count > 1 {
        runSideBySide({ work(progress) }, { work { _ in } })
    } else {
        work(progress)
    }
    if let failure = line.failure { throw failure }
}

/// What `step` makes of the buffers, or the error that it throws.
private func attempt(
    _ buffers: consuming RunBuffers, _ step: (inout RunBuffers) throws(SealingError) -> Void
) -> Result<RunBuffers, SealingError> {
    do throws(SealingError) {
        try step(&buffers)
        return .success(buffers)
    } catch {
        return .failure(error)
    }
}

/// A conveyor that two threads share.
private final class Line: Sendable {
    private struct State: Sendable {
        var conveyor: Conveyor<RunBuffers>
        var isSomeoneWaiting = false
    }

    private let state: Mutex<State>
    private let wakeUp = DispatchSemaphore(value: 0)

    init(_ conveyor: Conveyor<RunBuffers>) {
        state = Mutex(State(conveyor: conveyor))
    }

    var failure: SealingError? { state.withLock { $0.conveyor.failure } }

    func next() -> Conveyor<RunBuffers>.Step {
        state.withLock { state in
            let step = state.conveyor.next()
            if case .wait = step { state.isSomeoneWaiting = true }
            return step
        }
    }

    func report(_ change: (inout Conveyor<RunBuffers>) -> Void) {
        state.withLock { change(&$0.conveyor) }
        wakeTheOther()
    }

    func wait() { wakeUp.wait() }

    func wakeTheOther() {
        let wasWaiting = state.withLock { state in
            defer { state.isSomeoneWaiting = false }
            return state.isSomeoneWaiting
        }
        if wasWaiting { wakeUp.signal() }
    }
}

/// Runs `first` on this thread and `second` on a thread of its own, and returns when both have.
/// Where the system has no thread to give, `second` is not run at all.
private func runSideBySide(_ first: () -> Void, _ second: () -> Void) {
    withoutActuallyEscaping(second) { second in
        // Safe: the box is handed over once and released by the thread, which is joined before this call ends.
        let box = unsafe Unmanaged.passRetained(ThreadBody(second))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { box in
                if let box = unsafe box { unsafe Unmanaged<ThreadBody>.fromOpaque(box).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        if code != 0 { unsafe box.release() }
        first()
        if code == 0 { _ = pthread_join(thread, nil) }
    }
}

private final class ThreadBody {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

import Dispatch
import Glibc
import Synchronization

/// The buffers of one run.
struct RunBuffers: Sendable {
    /// The most runs in progress: 1.5 MiB in all.
    static let countAtOnce: Int64 = 6

    var plain = [UInt8](repeating: 0, count: ChunkRun.longestPaddedBytes)
    var sealed = [UInt8](repeating: 0, count: ChunkRun.longestSealedBytes)
    /// The hashes of the sealed chunks; empty where no index is made or checked.
    var leaves: [UInt8] = []
}

/// Processes runs on two threads, in the order that `PipelineScheduler` decides, in bounded memory.
///
/// Throws the error of the first run, in order, that failed. `progress` takes the number of runs written, on the
/// caller's thread: those that it writes itself, and all of them at the end. Returns when both threads have finished; the
/// closures are never called after that.
func workOnTwoThreads(
    runs count: Int64,
    prepare: (Int64, inout RunBuffers) throws(SealingError) -> Void,
    digest: (Int64, RunBuffers) -> Void,
    write: (Int64, RunBuffers) throws(SealingError) -> Void,
    progress: (Int64) -> Void
) throws(SealingError) {
    let slots = (0..<min(count, RunBuffers.countAtOnce)).map { _ in RunBuffers() }
    let shared = SharedScheduler(PipelineScheduler(count: count, slots: slots))
    func work(_ progress: (Int64) -> Void) {
        while true {
            switch shared.next() {
            case .prepare(let index, let buffers):
                let outcome = attempt(buffers) { buffers throws(SealingError) in try prepare(index, &buffers) }
                shared.report { $0.prepared(index, outcome) }
            case .digest(let index, let buffers):
                digest(index, buffers)
                shared.report { $0.digested(buffers) }
            case .write(let index, let buffers):
                let outcome = attempt(buffers) { buffers throws(SealingError) in try write(index, buffers) }
                shared.report { $0.written(outcome) }
                progress(index + 1)
            case .wait: shared.wait()
            case .stop: return shared.wakeTheOther()
            }
        }
    }
    if count > 1 {
        runSideBySide({ work(progress) }, { work { _ in } })
    } else {
        work(progress)
    }
    if let failure = shared.failure { throw failure }
    progress(count)
}

/// The buffers after `step`, or the error that it throws.
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

/// A scheduler shared by two threads.
private final class SharedScheduler: Sendable {
    private struct State: Sendable {
        var scheduler: PipelineScheduler<RunBuffers>
        var isOtherWaiting = false
    }

    private let state: Mutex<State>
    private let wakeUp = DispatchSemaphore(value: 0)

    init(_ scheduler: PipelineScheduler<RunBuffers>) {
        state = Mutex(State(scheduler: scheduler))
    }

    var failure: SealingError? { state.withLock { $0.scheduler.failure } }

    func next() -> PipelineScheduler<RunBuffers>.Step {
        state.withLock { state in
            let step = state.scheduler.next()
            if case .wait = step { state.isOtherWaiting = true }
            return step
        }
    }

    func report(_ change: (inout PipelineScheduler<RunBuffers>) -> Void) {
        state.withLock { change(&$0.scheduler) }
        wakeTheOther()
    }

    func wait() { wakeUp.wait() }

    func wakeTheOther() {
        let wasWaiting = state.withLock { state in
            defer { state.isOtherWaiting = false }
            return state.isOtherWaiting
        }
        if wasWaiting { wakeUp.signal() }
    }
}

/// Runs `first` on this thread and `second` on a new one, and returns when both have finished.
/// If the system cannot create a thread, `second` is not run at all.
private func runSideBySide(_ first: () -> Void, _ second: () -> Void) {
    withoutActuallyEscaping(second) { second in
        // Safe: the box is passed once and released by the thread, which is joined before this call returns.
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

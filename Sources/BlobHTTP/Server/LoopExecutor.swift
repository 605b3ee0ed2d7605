import NIOCore

/// Runs tasks on an event loop, between its other work, so that awaiting something there costs no change of threads.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        // Safe: the job is run exactly once, by the loop, which outlives its connections.
        let unowned = UnownedJob(job)
        loop.execute { unsafe unowned.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

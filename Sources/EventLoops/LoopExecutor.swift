package import NIOCore
import NIOPosix

/// Runs tasks on an event loop, between its other work, so that awaiting something there costs no change of threads.
package final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    package init(_ loop: any EventLoop) {
        self.loop = loop
    }

    /// On the loop that calls this, or else on one of those that all share.
    package static func here() -> LoopExecutor { LoopExecutor(MultiThreadedEventLoopGroup.singleton.any()) }

    package func enqueue(_ job: consuming ExecutorJob) {
        // Safe: the job is run exactly once, by the loop, which outlives its connections.
        let unowned = UnownedJob(job)
        loop.execute { unsafe unowned.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

import NIOCore
import ServiceLifecycle
import Telemetry

/// Notes once a second how late each event loop does what is due: a loop that something blocks is late for everybody.
struct LoopLagService: Service {
    let group: any EventLoopGroup
    let meters: Meters

    private static let interval = Duration.seconds(1)

    func run() async throws {
        let loops = Array(group.makeIterator())
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                for loop in loops { probe(loop) }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Asks the loop for something to be done in a moment, and notes when it was.
    private func probe(_ loop: any EventLoop) {
        let due = NIODeadline.now() + .milliseconds(10)
        loop.scheduleTask(deadline: due) { [meters] in
            meters.loopLag.record(max(0, Int((NIODeadline.now() - due).nanoseconds)))
        }
    }
}

package import Files
import Glibc
import Synchronization

/// Counts how often each fault point is come by, and lets something happen at one of those times.
package final class ComingsBy: Sendable {
    private let counts = Mutex<[FaultPoint: Int]>([:])
    private let happen: @Sendable (FaultPoint, _ number: Int) -> Void

    /// - Parameter happen: is told each time which one that is, from 1.
    package init(_ happen: @escaping @Sendable (FaultPoint, _ number: Int) -> Void = { _, _ in }) {
        self.happen = happen
    }

    /// The process dies when it comes by `point` for the time with this number.
    static func killing(at point: FaultPoint, _ number: Int) -> ComingsBy {
        ComingsBy { if $0 == point, $1 == number { kill(getpid(), SIGKILL) } }
    }

    package var faults: FaultPoints {
        FaultPoints { [self] point throws(FileError) in
            let number = counts.withLock { counts in
                counts[point, default: 0] += 1
                return counts[point] ?? 0
            }
            happen(point, number)
        }
    }

    /// How often each was come by.
    package var all: [FaultPoint: Int] { counts.withLock { $0 } }
}

package import Blobs
import Store
import Synchronization
package import Telemetry

/// Answered requests on their way to the access log. Whoever answers only puts them in line; another thread takes them
/// out and writes. The line is bounded: what comes while it is full is lost, and counted.
package final class AccessLog: Sendable {
    /// A request and when its answer ended.
    package struct Entry: Sendable {
        package let time: Timestamp
        package let request: AnsweredRequest
    }

    /// Requests that may wait to be written.
    package static let capacity = 16_384

    private struct Line {
        var entries: [Entry] = []
        var dropped = 0
    }

    private let line = Mutex(Line())
    private let meters: Meters
    private let now: @Sendable () -> Timestamp

    package init(meters: Meters, now: @escaping @Sendable () -> Timestamp) {
        self.meters = meters
        self.now = now
    }

    func append(_ request: AnsweredRequest) {
        let entry = Entry(time: now(), request: request)
        let isLost = line.withLock { line in
            guard line.entries.count < Self.capacity else {
                line.dropped += 1
                return true
            }
            line.entries.append(entry)
            return false
        }
        if isLost { meters.accessLinesDropped.add() }
    }

    /// Everything in line, oldest first, and how many were lost since the last time.
    package func takeAll() -> (entries: [Entry], dropped: Int) {
        line.withLock { line in
            defer { line = Line() }
            return (line.entries, line.dropped)
        }
    }
}

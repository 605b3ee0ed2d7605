package import Blobs
import HTTPTypes
import Store
import Synchronization
package import Telemetry

/// A queue of answered requests for the access log. Event loops and tasks only append to it; another thread takes the
/// entries and writes them. The queue is bounded: what arrives while it is full is lost, and counted.
package final class AccessLog: Sendable {
    /// A request and when its response ended.
    package struct Record: Sendable {
        package let time: Timestamp
        package let request: AnsweredRequest
    }

    /// Requests that may wait to be written.
    package static let capacity = 16_384

    private struct Line {
        var entries: [Record] = []
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
        let entry = Record(time: now(), request: request)
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

    /// Everything in the queue, oldest first, and how many entries were lost since the last time.
    package func takeAll() -> (entries: [Record], dropped: Int) {
        line.withLock { line in
            defer { line = Line() }
            return (line.entries, line.dropped)
        }
    }
}

/// One request as a line of the access log: the time, then `key=value` like every log of this program.
///
/// Nothing that a client sent is repeated: no path, no query, no field. So there is nothing to redact, and no new route
/// can leak a secret, a ticket or a recipient. A blob is identified by its first eight digits, a client by its network.
package enum AccessLogLine {
    /// Methods that are logged by name.
    private static let methods: Set<HTTPRequest.Method> = [.get, .head, .put, .post, .patch, .delete, .options]

    package static func text(_ entry: AccessLog.Record) -> String {
        let request = entry.request
        let method = request.method.flatMap { methods.contains($0) ? $0.rawValue : nil } ?? "other"
        var words = [
            HTTPDate.logged(entry.time), "client=\(request.client.abbreviated)", "method=\(method)",
            "route=\(request.route.name)", "blob=\(subject(of: request))", "status=\(request.status)",
        ]
        if let refusal = request.refusal { words.append("reason=\(refusal.rawValue)") }
        words += [
            "in=\(request.receivedBytes)", "out=\(request.sentBytes)", "ms=\(milliseconds(request.time))",
            "protocol=\(request.version.rawValue)",
        ]
        return words.joined(separator: " ")
    }

    /// A slot by its door, whose name the operator gave, and the digits of a digest.
    private static func subject(of request: AnsweredRequest) -> String {
        request.blob?.abbreviated ?? request.slot.map { "slots/\($0.door)/\($0.name.abbreviated)" } ?? "-"
    }

    /// With one decimal place.
    private static func milliseconds(_ time: Duration) -> String {
        let tenths = max(0, time.nanoseconds) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}

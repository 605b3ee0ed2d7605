import Blobs
import HTTPTypes
import Store
import Telemetry

/// One request as a line of the access log: the time, then `key=value` like every log of this program.
///
/// What a client sent is not repeated: no path, no query, no field. So there is nothing to blank, and a secret, a
/// ticket or the name of a recipient cannot get in by a new route. A blob is told by its first eight digits, a client
/// by the network it is in.
package enum AccessLogLine {
    /// Methods that are told by name.
    private static let methods: Set<HTTPRequest.Method> = [.get, .head, .put, .post, .patch, .delete, .options]

    package static func text(_ entry: AccessLog.Entry) -> String {
        let request = entry.request
        let method = methods.contains(request.method) ? request.method.rawValue : "other"
        var words = [
            HTTPDate.logged(entry.time), "client=\(request.client.abbreviated)", "method=\(method)",
            "route=\(request.route.name)", "blob=\(request.blob?.abbreviated ?? "-")", "status=\(request.status)",
        ]
        if let refusal = request.refusal { words.append("reason=\(refusal.rawValue)") }
        words += [
            "in=\(request.receivedBytes)", "out=\(request.sentBytes)", "ms=\(milliseconds(request.time))",
            "protocol=\(request.version.rawValue)",
        ]
        return words.joined(separator: " ")
    }

    /// With one decimal place.
    private static func milliseconds(_ time: Duration) -> String {
        let tenths = max(0, time.nanoseconds) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}

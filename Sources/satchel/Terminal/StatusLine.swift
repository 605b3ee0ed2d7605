import Blobs
import MediaClient
import MediaMessage
import Transfer

/// The status of a lease as a line: for a person, or for a program. It has no secrets.
enum StatusLine {
    /// `2026-11-23 20:32 UTC  3fa9c1d2-7b01    1.2 MB  ✓✓ received by 3 of 5, last 2026-11-23 21:05 UTC; expires …`
    static func text(_ status: LeaseStatus, _ zone: CalendarZone = .utc) -> String {
        "\(start(status.lease, zone))  \(state(status, zone))"
    }

    /// Columns of a fixed width, so that lines printed at different times align.
    static func start(_ lease: SentLease, _ zone: CalendarZone = .utc) -> String {
        let size = ProgressMeter.bytes(lease.size)
        let padding = String(repeating: " ", count: max(0, 8 - size.count))
        return "\(CalendarTime(lease.madeAt, zone))  \(lease.name)  \(padding)\(size)"
    }

    /// `{"lease","sha256","server","size","sent","state","expires","recipients","received":[{"recipient","at"}]}`;
    /// `state` is the server's word, or `unknown`, or `unreachable`.
    static func json(_ status: LeaseStatus) -> String {
        let lease = status.lease
        var line = JSONWriter()
        line.add("lease", string: lease.name.description)
        line.add("sha256", string: lease.address.hex)
        line.add("server", string: lease.server.description)
        line.add("size", integer: lease.size)
        line.add("sent", integer: lease.madeAt.seconds)
        line.add("state", string: word(status))
        guard case .server(let answer) = status.source else { return line.text }
        line.add("expires", integer: answer.expires.seconds)
        line.add("recipients", integer: answer.recipients)
        line.add(
            "received",
            objects: answer.received.map { receipt in
                var object = JSONWriter()
                object.add("recipient", string: receipt.recipient.base64url)
                object.add("at", integer: receipt.at.seconds)
                return object
            })
        return line.text
    }

    private static func word(_ status: LeaseStatus) -> String {
        switch status.source {
        case .server(let answer): answer.state.word
        case .log(let end): end.reason.rawValue
        case .unknown: "unknown"
        case .unreachable: "unreachable"
        }
    }

    private static func state(_ status: LeaseStatus, _ zone: CalendarZone) -> String {
        switch status.source {
        case .server(let answer): answer.sentence(zone)
        case .log(let end): end.reason.sentence + (end.received > 0 ? "; received by \(end.received)" : "")
        case .unknown where status.lease.isSent: "? no longer known to the server"
        case .unknown: "? not known to the server, which never confirmed it"
        case .unreachable: known(status.lease, zone)
        }
    }

    /// What the log has of a lease whose server says nothing.
    private static func known(_ lease: SentLease, _ zone: CalendarZone) -> String {
        let expiry = lease.expires.map { "; expires \(CalendarTime($0, zone))" } ?? ""
        return "? \(lease.isSent ? "was sent" : "was never confirmed")\(expiry)"
    }
}

extension Lease {
    /// A lease as the server reports it, in words.
    fileprivate func sentence(_ zone: CalendarZone) -> String {
        switch state {
        case .held: "\(delivery(zone)); expires \(CalendarTime(expires, zone))"
        case .damaged: "! the server's copy is damaged; repair it with satchel forward --file"
        case .ended(.delivered): "✓✓ \(EndReason.delivered.sentence) (\(count))"
        case .ended(let reason): received.isEmpty ? reason.sentence : "\(reason.sentence); \(delivery(zone))"
        }
    }

    private func delivery(_ zone: CalendarZone) -> String {
        guard let last = received.map(\.at).max() else {
            return recipients.map { "✓ sent, received by none of \($0)" } ?? "✓ sent"
        }
        return "✓✓ received by \(count), last \(CalendarTime(last, zone))"
    }

    private var count: String { recipients.map { "\(received.count) of \($0)" } ?? "\(received.count)" }
}

extension EndReason {
    /// How it ended, in words.
    var sentence: String {
        switch self {
        case .expired: "ended: expired"
        case .delivered: "ended: received by everyone"
        case .revoked: "revoked"
        case .removed: "removed by the operator"
        }
    }
}

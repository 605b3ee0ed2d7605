import Blobs
import MediaClient
import MediaMessage
import Transfer

/// How a lease stands, in a line: for a person, or for a program. No secret is in it.
enum StatusLine {
    /// `2026-11-23 20:32 UTC  3fa9c1d2-7b01    1.2 MB  ✓✓ 3 of 5 have it, since 2026-11-23 21:05 UTC; kept until …`
    static func text(_ standing: LeaseStanding) -> String { "\(start(standing.lease))  \(state(standing))" }

    /// Columns of one width each, so that lines printed at different times stand below each other.
    static func start(_ lease: SentLease) -> String {
        let size = ProgressMeter.bytes(lease.size)
        let padding = String(repeating: " ", count: max(0, 8 - size.count))
        return "\(CalendarTime(lease.madeAt))  \(lease.name)  \(padding)\(size)"
    }

    /// `{"lease","sha256","server","size","sent","state","expires","recipients","received":[{"recipient","at"}]}`;
    /// `state` is the server's word, or `unknown`, or `unreachable`.
    static func json(_ standing: LeaseStanding) -> String {
        let lease = standing.lease
        var line = JSONWriter()
        line.add("lease", string: lease.name.description)
        line.add("sha256", string: lease.address.hex)
        line.add("server", string: lease.server.description)
        line.add("size", integer: lease.size)
        line.add("sent", integer: lease.madeAt.seconds)
        line.add("state", string: word(standing))
        guard case .told(let told) = standing.knowledge else { return line.text }
        line.add("expires", integer: told.expires.seconds)
        line.add("recipients", integer: told.recipients)
        line.add(
            "received",
            objects: told.received.map { receipt in
                var object = JSONWriter()
                object.add("recipient", string: receipt.recipient.base64url)
                object.add("at", integer: receipt.at.seconds)
                return object
            })
        return line.text
    }

    private static func word(_ standing: LeaseStanding) -> String {
        switch standing.knowledge {
        case .told(let told): told.state.word
        case .remembered(let end): end.reason.rawValue
        case .unknown: "unknown"
        case .silent: "unreachable"
        }
    }

    private static func state(_ standing: LeaseStanding) -> String {
        switch standing.knowledge {
        case .told(let told): told.sentence
        case .remembered(let end): end.reason.sentence + (end.received > 0 ? "; \(end.received) had received it" : "")
        case .unknown: "? the server does not know it any more"
        case .silent: "? the server cannot be asked now"
        }
    }
}

extension Lease {
    /// What the server tells of a lease, in words.
    fileprivate var sentence: String {
        switch state {
        case .held: "\(delivery); kept until \(CalendarTime(expires))"
        case .damaged: "! the server's copy is damaged; forward --file heals it"
        case .ended(.delivered): "✓✓ \(EndReason.delivered.sentence) (\(count))"
        case .ended(let reason): received.isEmpty ? reason.sentence : "\(reason.sentence); \(delivery)"
        }
    }

    private var delivery: String {
        guard let last = received.map(\.at).max() else {
            return recipients.map { "✓ sent, received by none of \($0)" } ?? "✓ sent"
        }
        return "✓✓ received by \(count), last \(CalendarTime(last))"
    }

    private var count: String { recipients.map { "\(received.count) of \($0)" } ?? "\(received.count)" }
}

extension EndReason {
    /// How it ended, in words.
    var sentence: String {
        switch self {
        case .expired: "ended: its time was up"
        case .delivered: "ended: everyone has it"
        case .revoked: "revoked"
        case .removed: "removed by the operator"
        }
    }
}

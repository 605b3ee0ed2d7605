import Blobs
import MediaClient
import MediaMessage
import Transfer

/// The status of a lease as a line: for a person, or for a program. It has no secrets.
enum StatusLine {
    /// `2026-11-23 20:32 UTC  3fa9c1d2-7b01    1.2 MB  ✓✓ received by 3 of 5, last 2026-11-23 21:05 UTC; expires …`
    static func text(_ status: LeaseStatus) -> String { "\(start(status.lease))  \(state(status))" }

    /// Columns of a fixed width, so that lines printed at different times align.
    static func start(_ lease: SentLease) -> String {
        let size = ProgressMeter.bytes(lease.size)
        let padding = String(repeating: " ", count: max(0, 8 - size.count))
        return "\(CalendarTime(lease.madeAt))  \(lease.name)  \(padding)\(size)"
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

    private static func state(_ status: LeaseStatus) -> String {
        switch status.source {
        case .server(let answer): answer.sentence
        case .log(let end): end.reason.sentence + (end.received > 0 ? "; received by \(end.received)" : "")
        case .unknown where status.lease.isSent: "? no longer known to the server"
        case .unknown: "? not known to the server, which never confirmed it"
        case .unreachable: "? the server cannot be reached"
        }
    }
}

extension Lease {
    /// A lease as the server reports it, in words.
    fileprivate var sentence: String {
        switch state {
        case .held: "\(delivery); expires \(CalendarTime(expires))"
        case .damaged: "! the server's copy is damaged; repair it with satchel forward --file"
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
        case .expired: "ended: expired"
        case .delivered: "ended: received by everyone"
        case .revoked: "revoked"
        case .removed: "removed by the operator"
        }
    }
}

/// A moment as a calendar date and time, in UTC: `2026-11-23 20:32 UTC`.
struct CalendarTime: CustomStringConvertible {
    private let moment: Timestamp

    init(_ moment: Timestamp) { self.moment = moment }

    var description: String {
        let (days, second) = moment.seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = Self.civil(days)
        let two = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day)) \(two(second / 3600)):\(two(second / 60 % 60)) UTC"
    }

    /// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar: years begin in March, so that
    /// the leap day comes last (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). For days from 0.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

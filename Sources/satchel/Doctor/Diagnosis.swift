import Blobs
import Imaging
import MediaClient

/// What was found out about one thing, and what to do about it.
struct Diagnosis: Hashable {
    enum Grade: String {
        case ok
        /// It works, and something is lost.
        case warn
        /// Sending does not work.
        case fail
    }

    let grade: Grade
    let subject: String
    let sentence: String
    /// Nil where there is nothing to do.
    let advice: String?

    static func ok(_ subject: String, _ sentence: String) -> Diagnosis {
        Diagnosis(grade: .ok, subject: subject, sentence: sentence, advice: nil)
    }

    static func warn(_ subject: String, _ sentence: String, do advice: String) -> Diagnosis {
        Diagnosis(grade: .warn, subject: subject, sentence: sentence, advice: advice)
    }

    static func fail(_ subject: String, _ sentence: String, do advice: String) -> Diagnosis {
        Diagnosis(grade: .fail, subject: subject, sentence: sentence, advice: advice)
    }

    /// `warn  clock      90 s behind the server's → set the clock`, in columns.
    var line: String {
        "\(Self.column(grade.rawValue, 4))  \(Self.column(subject, 9))  \(sentence)\(advice.map { " → \($0)" } ?? "")"
    }

    private static func column(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// What has to be done, in one line.
    static func summary(_ findings: [Diagnosis]) -> String {
        let (musts, cans) = (findings.count { $0.grade == .fail }, findings.count { $0.grade == .warn })
        let parts = [musts > 0 ? "\(musts) to be mended" : nil, cans > 0 ? "\(cans) to be looked at" : nil]
        let text = parts.compactMap { $0 }.joined(separator: ", ")
        return text.isEmpty ? "all is well" : text
    }
}

// MARK: Rules
extension Diagnosis {
    /// The difference that servers tolerate in the times of a ticket, in seconds.
    private static let clockTolerance: Int64 = 60

    /// A clock by which tickets and expiries are judged wrongly.
    static func clock(serverAhead seconds: Int64?) -> Diagnosis {
        guard let seconds else { return .ok("clock", "the server does not tell its time") }
        let difference = seconds.magnitude
        if difference <= UInt64(clockTolerance) {
            return .ok("clock", difference < 2 ? "as the server's" : "\(difference) s from the server's")
        }
        let side = seconds > 0 ? "behind" : "ahead of"
        return .warn(
            "clock", "\(difference) s \(side) the server's, so that tickets and expiries are misjudged",
            do: "set the clock, such as with: sudo timedatectl set-ntp true")
    }

    /// What protects the ticket on its way; files are sealed anyway.
    static func protection(of origin: HTTPOrigin) -> Diagnosis {
        if origin.scheme == .https { return .ok("tls", "the certificate is trusted") }
        if origin.isLoopback { return .ok("tls", "none, and none is needed on this machine") }
        return .warn("tls", "none: whoever is on the way can read the ticket", do: "use https")
    }

    /// `places` are those where a local ticket was looked for.
    static func ticket(_ look: TicketLook?, places: [String], now: Timestamp, _ zone: CalendarZone) -> Diagnosis {
        guard let look else {
            let missing = places.isEmpty ? "" : "; no local ticket of yours at \(places.joined(separator: ", nor at "))"
            return .warn(
                "ticket", "none, which will do only where anybody may upload\(missing)",
                do: places.isEmpty ? "set ticket-file" : "set ticket-file to the path that the server prints")
        }
        var parts = [look.place]
        if let expires = look.expires {
            if expires <= now {
                return .fail(
                    "ticket", "\(look.place) expired on \(CalendarTime(expires, zone))",
                    do: "get a new one from your chat server")
            }
            parts.append("until \(CalendarTime(expires, zone))")
        }
        if let largest = look.largestBytes { parts.append("files up to \(ProgressMeter.bytes(largest))") }
        if let longest = look.longestLifetime { parts.append("kept for \(longest) at most") }
        return .ok("ticket", parts.joined(separator: ", "))
    }

    /// Free bytes below which the next film may not fit.
    private static let lowRoom: Int64 = 1 << 30

    static func state(freeBytes: Int64, in place: String) -> Diagnosis {
        let sentence = "\(place), \(ProgressMeter.bytes(freeBytes)) free"
        return freeBytes >= lowRoom ? .ok("state", sentence) : .warn("state", sentence, do: "make room")
    }

    static func outbox(waiting: Int) -> Diagnosis {
        waiting == 0
            ? .ok("outbox", "nothing waits")
            : .warn("outbox", "\(waiting) unfinished", do: "satchel outbox, then satchel outbox resume")
    }

    static func quota(_ quota: Quota) -> Diagnosis {
        let description = QuotaDescription(quota)
        let sentence = "\(description.bytes), \(description.leases) leases"
        return quota.isUsedUp
            ? .fail("quota", sentence, do: "revoke what is not needed, or wait: satchel status, satchel quota")
            : .ok("quota", sentence)
    }

    static func library(_ missing: MissingLibrary) -> Diagnosis {
        missing.package.map {
            .warn("library", "\($0) is not installed: \(missing.loss)", do: "sudo apt-get install \($0)")
        } ?? .warn("library", missing.loss, do: "allow seccomp to this program")
    }
}

extension Quota {
    fileprivate var isUsedUp: Bool { [bytes, leases].contains { use in use.limit.map { use.used >= $0 } ?? false } }
}

import Blobs
import MediaMessage

/// Whose time a moment is written in.
enum CalendarZone {
    case utc
    /// That of the person.
    case local

    /// People read terminals; files and pipes may be read anywhere.
    static var ofOutput: CalendarZone { Process.isTerminal(1) ? .local : .utc }
}

/// A moment as a calendar date and time, with its zone: `2026-11-23 20:32 UTC`, `2026-11-23 21:32 CET`.
struct CalendarTime: CustomStringConvertible {
    private let moment: Timestamp
    private let zone: CalendarZone

    init(_ moment: Timestamp, _ zone: CalendarZone = .utc) {
        self.moment = moment
        self.zone = zone
    }

    var description: String {
        guard zone == .local, let local = Process.localTime(moment.seconds) else { return text(moment.seconds, "UTC") }
        return text(local.seconds, printable(local.zone))
    }

    /// `seconds` counted as if the zone were UTC.
    private func text(_ seconds: Int64, _ zone: String) -> String {
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = Self.civil(days)
        let two = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day)) \(two(second / 3600)):\(two(second / 60 % 60)) \(zone)"
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

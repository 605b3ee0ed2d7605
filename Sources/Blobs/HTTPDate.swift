/// Dates in the format of HTTP, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
package enum HTTPDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    /// 9999-12-31T23:59:59Z: the format has four digits for the year.
    private static let latest: Int64 = 253_402_300_799

    /// The date of `time`, clamped to the years 1970 to 9999.
    package static func format(_ time: Timestamp) -> String {
        let (days, secondOfDay) = days(of: time)
        let (year, month, day) = civil(daysSince1970: days)
        let date = "\(weekdays[Int(days % 7)]), \(twoDigits(day)) \(months[Int(month) - 1]) \(fourDigits(year))"
        return "\(date) \(clock(secondOfDay)) GMT"
    }

    /// The moment that an IMF-fixdate names (RFC 9110 §5.6.7); nil for any other text, and for the obsolete formats.
    package static func parse(_ text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        let number = { (range: Range<Int>) in SaturatingDigits.parse(bytes[range].span) }
        guard bytes.count == 29, let day = number(5..<7), let year = number(12..<16), let hour = number(17..<19),
            let minute = number(20..<22), let second = number(23..<25),
            let month = months.firstIndex(of: String(decoding: bytes[8..<11], as: UTF8.self))
        else { return nil }
        // Days since 1970, by the inverse of `civil`.
        let shifted = year - (month < 2 ? 1 : 0)
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * Int64((month + 10) % 12) + 2) / 5 + day - 1
        let days =
            shifted / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        let time = Timestamp(seconds: days * 86_400 + hour * 3600 + minute * 60 + second)
        // Weekday, order and ranges are right if it is written as it was read.
        return format(time) == text ? time : nil
    }

    /// The same moment in the format of logs, `1994-11-06T08:49:37Z` (RFC 3339 §5.6).
    package static func logged(_ time: Timestamp) -> String {
        let (days, secondOfDay) = days(of: time)
        let (year, month, day) = civil(daysSince1970: days)
        return "\(fourDigits(year))-\(twoDigits(month))-\(twoDigits(day))T\(clock(secondOfDay))Z"
    }

    /// The same moment in the basic format, `19941106T084937Z` (ISO 8601), as signatures and names of objects have it.
    package static func basic(_ time: Timestamp) -> String {
        let kept = logged(time).utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ":") }
        return String(decoding: kept, as: UTF8.self)
    }

    private static func days(of time: Timestamp) -> (days: Int64, secondOfDay: Int64) {
        let (days, secondOfDay) = min(max(time.seconds, 0), latest).quotientAndRemainder(dividingBy: 86_400)
        return (days, secondOfDay)
    }

    private static func clock(_ secondOfDay: Int64) -> String {
        [secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60].map(twoDigits).joined(separator: ":")
    }

    private static func fourDigits(_ number: Int64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// Year, month (1…12) and day (1…31) in the Gregorian calendar. Years are counted from March, so that the leap day
    /// is the last of its year; 719,468 days lie between 0000-03-01 and 1970-01-01.
    private static func civil(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}

import Blobs
import MediaMessage

/// A message in words. What its sender wrote is made fit for a terminal; the key is not in it.
struct MessageDescription {
    private let message: MediaMessage

    init(_ message: MediaMessage) { self.message = message }

    var text: String { lines.map { "\($0): \($1)" }.joined(separator: "\n") }

    private var lines: [(String, String)] {
        let media = message.media
        let optional: [(String, String?)] = [
            ("file", "\(media.type), \(ProgressMeter.bytes(media.size)) (\(media.size) bytes)"),
            ("name", media.name.map(printable)),
            ("saved as", safeFileName(hint: media.name, mediaType: media.type)),
            ("caption", media.caption.map(printable)),
            ("shows", media.alt.map(printable)),
            ("picture", dimensions),
            ("duration", media.duration.map { "\($0) s" }),
            ("preview", media.preview.map { "\($0.count) bytes" }),
            ("placeholder", media.thumbhash.map { "\($0.count) bytes (ThumbHash)" }),
            (
                "removed by the sender",
                media.removed.isEmpty ? nil : media.removed.map(printable).joined(separator: ", ")
            ),
            ("fetched from", places),
            ("sealed blob", "\(message.size) bytes, SHA-256 \(message.address.hex)"),
            ("kept until", message.expires.map { "\(CalendarTime($0)), a hint: only the server knows" }),
            ("receipt", message.receipt == nil ? "not asked for" : "can be given"),
            ("key", "32 bytes, hidden"),
        ]
        return optional.compactMap { name, value in value.map { (name, $0) } }
    }

    private var dimensions: String? {
        guard let width = message.media.width, let height = message.media.height else { return nil }
        return "\(width) × \(height)"
    }

    private var places: String {
        guard let url = message.url else { return "the message does not say" }
        return ([url] + message.mirrors).map(\.description).joined(separator: ", ")
    }
}

/// A moment as the calendar has it, in UTC: `2026-11-23 20:32 UTC`.
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

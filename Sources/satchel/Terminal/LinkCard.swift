import Blobs

/// What people see of a link beside the link itself.
enum LinkCard {
    /// A link as a QR code.
    enum Code: Hashable {
        /// Its lines, without the end of the last.
        case drawn(String)
        /// The columns that it would take; nil if no QR code holds so much.
        case tooWide(Int?)
        /// The rows that it would take.
        case tooHigh(Int)
    }

    /// A code that is higher than the terminal cannot be scanned; what scrolls out below the link is only its light zone.
    /// `rows` is nil where the height does not matter.
    static func code(of link: String, columns: Int, rows: Int?, hasColours: Bool) -> Code {
        guard let code = QRCode(Array(link.utf8)) else { return .tooWide(nil) }
        let drawing = QRDrawing(code, hasColours: hasColours)
        guard drawing.columns <= columns else { return .tooWide(drawing.columns) }
        if let rows, drawing.rows > rows { return .tooHigh(drawing.rows) }
        return .drawn(String(drawing.text.dropLast()))
    }

    /// `kept until 2026-12-30 10:12 CET, for 30 days`.
    static func kept(until end: Timestamp, now: Int64, _ zone: CalendarZone = .ofOutput) -> String {
        "kept until \(CalendarTime(end, zone)), for \(span(end.secondsSince(Timestamp(seconds: now))))"
    }

    /// In the largest unit of which there are two at least, rounded.
    private static func span(_ seconds: Int64) -> String {
        for (unit, name) in [(86_400, "days"), (3600, "hours"), (60, "minutes")] as [(Int64, String)]
        where seconds >= 2 * unit - unit / 2 {
            return "\(seconds / unit + (seconds % unit >= unit / 2 ? 1 : 0)) \(name)"
        }
        return "\(seconds) seconds"
    }
}

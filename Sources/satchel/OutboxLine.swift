import Blobs
import MediaClient
import MediaMessage

/// An entry of the outbox in a line: for a person, or for a program. No secret is in it.
enum OutboxLine {
    /// `2026-11-23 20:32 UTC  3fa9c1d2-7b01    1.2 MB  notes.bin: waiting, 42 % sent; cannot reach media.example: …`
    static func text(_ item: Outbox.Item) -> String {
        let record = item.record
        let size = ProgressMeter.bytes(record.size)
        let padding = String(repeating: " ", count: max(0, 8 - size.count))
        let name = record.message.media.name.map { "\(printable($0)): " } ?? ""
        return "\(CalendarTime(record.at))  \(record.name)  \(padding)\(size)  \(name)\(state(item))"
    }

    /// `{"id","sha256","server","size","at","state","acknowledged","failure","failed_at"}`; `state` is `waiting`,
    /// `sending` or `sent`.
    static func json(_ item: Outbox.Item) -> String {
        var line = JSONWriter()
        line.add("id", string: item.record.name.description)
        line.add("sha256", string: item.record.message.address.hex)
        line.add("server", string: item.record.server)
        line.add("size", integer: item.record.size)
        line.add("at", integer: item.record.at.seconds)
        line.add("state", string: word(item))
        line.add("acknowledged", integer: item.standing.acknowledged)
        line.add("failure", string: item.standing.failure)
        line.add("failed_at", integer: item.standing.failedAt?.seconds)
        return line.text
    }

    private static func word(_ item: Outbox.Item) -> String {
        if item.standing.url != nil { return "sent" }
        return item.isBusy ? "sending" : "waiting"
    }

    private static func state(_ item: Outbox.Item) -> String {
        if item.standing.url != nil {
            return item.isBusy
                ? "sent" : "sent, but its message was not printed; satchel outbox resume \(item.record.name) prints it"
        }
        let percent = percent(item).map { ", \($0) % sent" } ?? ""
        let reason = item.standing.failure.map { "; \(printable($0))" } ?? ""
        return "\(word(item))\(percent)\(reason)"
    }

    /// Whole percents of what the server has; nil while that is nothing.
    private static func percent(_ item: Outbox.Item) -> Int64? {
        guard item.standing.acknowledged > 0, item.record.size > 0 else { return nil }
        return min(99, Int64(Double(item.standing.acknowledged) / Double(item.record.size) * 100))
    }
}

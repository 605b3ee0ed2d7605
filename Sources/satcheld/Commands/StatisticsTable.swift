import FoundationEssentials
import Store

/// What a store holds as lines for a person: totals, then a row with a bar for each age and each size.
enum StatisticsTable {
    /// Characters of the longest bar.
    private static let barWidth: Int64 = 24

    static func text(_ statistics: StoreStatistics) -> String {
        var lines = [
            "held        \(statistics.blobs) blobs, \(ByteCount.text(statistics.bytes)), \(statistics.leases) leases",
            "unheld      \(statistics.unheld) of them, for the next sweep",
            "tombstones  \(statistics.tombstones)",
            "uploads     \(statistics.uploads) open, \(ByteCount.text(statistics.uploadBytes)) of them here",
        ]
        if statistics.damaged > 0 { lines.append("damaged     \(statistics.damaged), awaiting their bytes anew") }
        if let last = statistics.lastScrub { lines.append("checked     " + text(last)) }
        if let scrub = statistics.scrub { lines.append("checking    " + text(scrub)) }
        lines += table("age", statistics.byAge) { $0.map { "< \(age($0))" } ?? "older" }
        lines += table("size", statistics.bySize) { $0.map { "< \(size($0))" } ?? "larger" }
        return lines.joined(separator: "\n")
    }

    /// How far a background check came, from when to when, and what it found.
    private static func text(_ scrub: ScrubProgress) -> String {
        let times = [scrub.began, scrub.latest].map { Date(timeIntervalSince1970: Double($0)).formatted(.iso8601) }
        return
            "\(scrub.blobs) blobs, \(ByteCount.text(scrub.bytes)), \(scrub.damaged) damaged, \(times[0]) to \(times[1])"
    }

    /// `name` names a class by the first value that does not belong to it.
    private static func table(
        _ title: String, _ classes: [StoreStatistics.Bucket], _ name: (Int64?) -> String
    ) -> [String] {
        let largest = classes.map(\.bytes).max() ?? 0
        let head = title.padding(to: 10) + aligned("blobs", 10) + aligned("bytes", 13)
        return ["", head]
            + classes.map { row in
                let numbers = aligned(String(row.blobs), 10) + aligned(ByteCount.text(row.bytes), 13)
                let bar = bar(row.bytes, of: largest)
                return name(row.below).padding(to: 10) + numbers + (bar.isEmpty ? "" : "  " + bar)
            }
    }

    /// A bar as long as `part` is of `whole`, in eighths of a character; at least one eighth for anything at all.
    static func bar(_ part: Int64, of whole: Int64) -> String {
        guard part > 0, whole > 0 else { return "" }
        let eighths = max(1, Int64(Double(part) / Double(whole) * Double(barWidth * 8)))
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        return String(repeating: "█", count: Int(eighths / 8)) + partial[Int(eighths % 8)]
    }

    private static func age(_ seconds: Int64) -> String {
        seconds < 86_400 ? "\(seconds / 3600) h" : "\(seconds / 86_400) d"
    }

    private static func size(_ bytes: Int64) -> String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20)] as [(String, Int64)] where bytes >= 1 << shift {
            return "\(bytes >> shift) \(unit)"
        }
        return "\(bytes >> 10) KiB"
    }

    private static func aligned(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

import ArgumentParser
import FoundationEssentials
import Store

/// `satcheld stats`: what the store holds, for a person.
struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Shows what the store holds, by age and size.",
        discussion: MaintenanceHelp.text)

    @Flag(help: "Print the numbers as JSON.") var json = false
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let statistics = try await Maintenance.run(
            try options.load(for: Self.self), ControlRequest(statistics: true), \.statistics)
        StandardOutput.write(json ? try JSONReport.text(statistics) : StatisticsTable.text(statistics))
    }
}

/// What a store holds, as text: totals, then a row with a bar for each bucket of age and size.
enum StatisticsTable {
    /// Characters of the longest bar.
    private static let barWidth: Int64 = 24

    static func text(_ statistics: StoreStatistics) -> String {
        var lines = [
            "held        \(statistics.blobs) blobs, \(ByteCount.text(statistics.bytes)), \(statistics.leases) leases",
            "unheld      \(statistics.unheld) of them, removed by the next sweep",
            "tombstones  \(statistics.tombstones)",
            "uploads     \(statistics.uploads) open, \(ByteCount.text(statistics.uploadBytes)) received",
        ]
        for (door, count) in statistics.aliases.sorted(by: { $0.key < $1.key }) {
            lines.insert("slots       \(count) held at door \(door)", at: lines.count - 1)
        }
        if statistics.damaged > 0 {
            lines.append("damaged     \(statistics.damaged), set aside until the same bytes are uploaded")
        }
        if let last = statistics.lastScrub { lines.append("last scrub  " + text(last)) }
        if let scrub = statistics.scrub { lines.append("scrub now   " + text(scrub)) }
        lines += table("age", statistics.byAge) { $0.map { "< \(age($0))" } ?? "older" }
        lines += table("size", statistics.bySize) { $0.map { "< \(size($0))" } ?? "larger" }
        return lines.joined(separator: "\n")
    }

    /// How far a scrub came, what it found, and from when to when.
    private static func text(_ scrub: ScrubProgress) -> String {
        let times = [scrub.began, scrub.latest].map { Date(timeIntervalSince1970: Double($0)).formatted(.iso8601) }
        return
            "\(scrub.blobs) blobs, \(ByteCount.text(scrub.bytes)), \(scrub.damaged) damaged, \(times[0]) to \(times[1])"
    }

    /// `name` names a bucket by where it ends.
    private static func table(
        _ title: String, _ buckets: [StoreStatistics.Bucket], _ name: (Int64?) -> String
    ) -> [String] {
        let largest = buckets.map(\.bytes).max() ?? 0
        let head = title.padding(to: 10) + aligned("blobs", 10) + aligned("bytes", 13)
        return ["", head]
            + buckets.map { row in
                let numbers = aligned(String(row.blobs), 10) + aligned(ByteCount.text(row.bytes), 13)
                let bar = bar(row.bytes, of: largest)
                return name(row.below).padding(to: 10) + numbers + (bar.isEmpty ? "" : "  " + bar)
            }
    }

    /// A bar for the share of `part` in `whole`, in eighths of a character; at least one eighth if there is anything.
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

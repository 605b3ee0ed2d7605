import ArgumentParser
import FoundationEssentials
import Store

/// `satcheld gc`: one pass of the garbage collector.
struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Removes what nobody holds any longer, in one pass.",
        discussion: "Works by itself, or through the server that owns the store. It takes the settings of serve.")

    @Flag(help: "Print the report as JSON.") var json = false
    @Flag(help: "Change nothing; say what would be done.") var dryRun = false
    @Flag(help: "Remove files without a row in the catalogue, however many they are.") var orphans = false
    @Flag(help: "Take the wall clock's time as the present although the clocks have parted.") var trustClock = false
    @Flag(help: "Do not go through all files for those without a row; in a large store that takes long.") var quick =
        false
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try await options.load()
        let asked = CollectOptions(
            dryRun: dryRun, orphans: orphans, trustClock: trustClock, searchesForOrphans: !quick)
        let report = try await Maintenance.run(settings, ControlRequest(collect: asked)) { store in
            var alone = asked
            alone.isAlone = true
            return try await store.collect(alone)
        } reported: {
            $0.collected
        }
        StandardOutput.write(json ? try JSONReport.text(report) : Self.text(report))
    }

    private static func text(_ report: CollectReport) -> String {
        var lines = [
            "leases ended        \(report.leasesEnded)",
            "blobs removed       \(report.blobsRemoved) (\(ByteCount.text(report.bytesRemoved)))",
            "uploads expired     \(report.uploadsExpired) (\(ByteCount.text(report.uploadBytesExpired)))",
            "uploads forgotten   \(report.uploadsForgotten)",
            "staged files        \(report.stagedFilesRemoved)",
            "orphans removed     \(report.orphansRemoved) of \(report.orphansFound)"
                + " (\(ByteCount.text(report.orphanBytesRemoved)))",
            "tombstones dropped  \(report.tombstonesDropped)",
        ]
        if report.dryRun { lines.insert("Nothing was changed; this would have been done:", at: 0) }
        if let kept = report.orphansKept { lines.append("orphans kept: \(kept)") }
        if let hold = report.hold { lines.append("held back: \(hold)") }
        return lines.joined(separator: "\n")
    }
}

/// A report for programs.
enum JSONReport {
    static func text(_ report: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }
}

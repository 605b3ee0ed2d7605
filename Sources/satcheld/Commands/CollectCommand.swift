import ArgumentParser
import Store

/// `satcheld gc`: one sweep of the garbage collector.
struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Runs one sweep of the garbage collector.",
        discussion: "Removes blobs without a lease, uploads that timed out, and orphaned files, which are files that "
            + "the catalog does not know. \(MaintenanceHelp.text)")

    @Flag(help: "Print the report as JSON.") var json = false
    @Flag(help: "Change nothing; report what a sweep would do.") var dryRun = false
    @Flag(help: "Remove all orphaned files, however many there are.") var orphans = false
    @Flag(help: "Take the wall clock as correct although the clocks disagree.") var trustClock = false
    @Flag(help: "Skip the search for orphaned files, which is slow in a large store.") var quick = false
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let sweep = CollectOptions(
            dryRun: dryRun, orphans: orphans, trustClock: trustClock, searchesForOrphans: !quick)
        let report = try await Maintenance.run(try options.load(), ControlRequest(collect: sweep), \.collected)
        StandardOutput.write(json ? try JSONReport.text(report) : Self.text(report))
    }

    static func text(_ report: CollectReport) -> String {
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
        if report.dryRun { lines.insert("Dry run: nothing was changed. A sweep would do this:", at: 0) }
        if let kept = report.orphansKept { lines.append("orphans kept: \(kept)") }
        if let hold = report.hold { lines.append("nothing removed: \(hold)") }
        return lines.joined(separator: "\n")
    }
}

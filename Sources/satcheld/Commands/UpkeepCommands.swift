import ArgumentParser
import Blobs
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
        let report = try await Maintenance.run(
            try options.load(for: Self.self), ControlRequest(collect: sweep), \.collected)
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

/// `satcheld fsck`: proves that the store holds what its catalog says.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck", abstract: "Hashes every blob and compares the files with the catalog.",
        discussion: "Exits with 0 if the store is clean, with 1 if problems were found. \(MaintenanceHelp.text)")

    @Flag(help: "Print the report as JSON.") var json = false
    @Flag(help: "Set damaged files aside and drop uploads that lost bytes. Uploading the same bytes heals a blob.")
    var repair = false
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let report = try await Maintenance.run(
            try options.load(for: Self.self), ControlRequest(check: CheckOptions(repair: repair)), \.checked)
        StandardOutput.write(json ? try JSONReport.text(report) : Self.text(report))
        if !report.isClean { throw ExitStatus.problemsFound.code }
    }

    static func text(_ report: CheckReport) -> String {
        var lines = report.findings.map { finding in
            let repaired = finding.kind == .lostUpload ? "dropped" : "set aside"
            let outcome = finding.isRepaired ? " (\(repaired))" : ""
            return "\(finding.kind.rawValue) \(finding.name): \(finding.detail)\(outcome)"
        }
        if report.findingCount > report.findings.count {
            lines.append("… and \(report.findingCount - report.findings.count) more")
        }
        let checked = "\(report.blobsChecked) blobs checked (\(ByteCount.text(report.bytesChecked)))"
        lines.append(report.isClean ? "\(checked): clean" : "\(checked): \(report.findingCount) problems")
        if report.awaitingUpload > 0 {
            lines.append("\(report.awaitingUpload) damaged blobs set aside; uploading the same bytes heals them")
        }
        return lines.joined(separator: "\n")
    }
}

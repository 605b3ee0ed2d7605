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

/// `satcheld remove`: takes one blob down, whoever holds it.
struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Removes one blob, whoever holds it.",
        discussion: "Ends every lease on the blob with the reason \"removed\", and deletes its file. "
            + "\(MaintenanceHelp.text) Settings follow the address.")

    @Argument(help: "The blob's address: 64 lower-case hexadecimal digits.") var sha256: String
    @Flag(help: "Also refuse the blob from now on.") var ban = false
    @Flag(help: "Accept the blob again; removes nothing.") var unban = false
    @Flag(help: "Print the report as JSON.") var json = false
    @OptionGroup var options: SettingsOptions

    func validate() throws {
        guard BlobAddress(hex: sha256) != nil else {
            throw ValidationError(
                "\"\(sha256)\" is not an address; expected 64 lower-case hexadecimal digits as the first argument.")
        }
        if ban && unban { throw ValidationError("--ban and --unban contradict each other.") }
    }

    func run() async throws {
        guard let address = BlobAddress(hex: sha256) else { throw ExitStatus.usage.code }
        let removal = RemoveOptions(address: address, action: ban ? .ban : unban ? .unban : .takeDown)
        let report = try await Maintenance.run(
            try options.load(for: Self.self), ControlRequest(remove: removal), \.removed)
        StandardOutput.write(json ? try JSONReport.text(report) : Self.text(report, removal.action))
    }

    static func text(_ report: RemoveReport, _ action: RemoveOptions.Action) -> String {
        if action == .unban { return report.wasBanned ? "ban lifted" : "there was no ban" }
        var lines = [
            report.isKnown ? "leases ended   \(report.leasesEnded)" : "the store does not know this address",
            "blobs removed  \(report.blobsRemoved) (\(ByteCount.text(report.bytesRemoved)))",
        ]
        if report.isBanned { lines.append("banned: uploads of this blob are refused from now on") }
        return lines.joined(separator: "\n")
    }
}

import ArgumentParser
import Store

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
            try options.load(), ControlRequest(check: CheckOptions(repair: repair)), \.checked)
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

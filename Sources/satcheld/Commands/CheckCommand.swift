import ArgumentParser
import Store

/// `satcheld fsck`: proves that the store holds what its catalogue says. Ends with 0 when it does, else with 1.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck", abstract: "Re-hashes every blob and compares blobs with the catalogue.",
        discussion: "Works by itself, or through the server that owns the store. It takes the settings of serve. "
            + "Ends with 0 if all is well, with 1 if something was found.")

    @Flag(help: "Print the report as JSON.") var json = false
    @Flag(help: "Set damaged files aside; they heal when the same bytes are uploaded again.") var repair = false
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try await options.load()
        let asked = CheckOptions(repair: repair)
        let report = try await Maintenance.run(settings, ControlRequest(check: asked)) { store in
            try await store.check(asked) { Maintenance.showProgress($0) }
        } reported: {
            $0.checked
        }
        Maintenance.endProgress()
        StandardOutput.write(json ? try JSONReport.text(report) : Self.text(report))
        if !report.isClean { throw ExitCode(1) }
    }

    private static func text(_ report: CheckReport) -> String {
        var lines = report.findings.map { finding in
            "\(finding.kind.rawValue) \(finding.name): \(finding.detail)\(finding.isRepaired ? " (\(finding.kind.repair))" : "")"
        }
        if report.findingCount > report.findings.count {
            lines.append("… and \(report.findingCount - report.findings.count) more")
        }
        let checked = "\(report.blobsChecked) blobs checked (\(ByteCount.text(report.bytesChecked)))"
        lines.append(report.isClean ? "\(checked): clean" : "\(checked): \(report.findingCount) problems")
        if report.awaitingUpload > 0 { lines.append("\(report.awaitingUpload) damaged blobs await their bytes anew") }
        return lines.joined(separator: "\n")
    }
}

extension Damage.Kind {
    /// What `--repair` did about it.
    fileprivate var repair: String { self == .lostUpload ? "given up" : "set aside" }
}

import ArgumentParser
import Blobs
import Store

/// `satcheld remove`: one blob goes, whoever holds it.
struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Takes one blob away from everybody, and keeps it out if asked.",
        discussion: "Every lease on it ends as removed, and its file goes at once. Works by itself, or through the "
            + "server that owns the store. It takes the settings of serve, after the address.")

    @Argument(help: "The blob's address: 64 lower-case hexadecimal digits.") var sha256: String
    @Flag(help: "Let nobody hold it again.") var ban = false
    @Flag(help: "Let it be held again; nothing is removed.") var unban = false
    @Flag(help: "Print the report as JSON.") var json = false
    @OptionGroup var options: SettingsOptions

    func validate() throws {
        guard BlobAddress(hex: sha256) != nil else {
            throw ValidationError(
                "\"\(sha256)\" is no address: it has 64 lower-case hexadecimal digits, and stands first.")
        }
        if ban && unban { throw ValidationError("--ban and --unban are opposites.") }
    }

    func run() async throws {
        guard let address = BlobAddress(hex: sha256) else { throw ExitCode.validationFailure }
        let settings = try await options.load()
        let asked = RemoveOptions(address: address, action: ban ? .ban : unban ? .unban : .takeDown)
        let report = try await Maintenance.run(settings, ControlRequest(remove: asked)) { store in
            try await store.remove(asked)
        } reported: {
            $0.removed
        }
        StandardOutput.write(json ? try JSONReport.text(report) : Self.text(report, asked.action))
    }

    private static func text(_ report: RemoveReport, _ action: RemoveOptions.Action) -> String {
        if action == .unban { return report.wasBanned ? "the ban is lifted" : "it was not banned" }
        var lines = [
            report.isKnown ? "leases ended   \(report.leasesEnded)" : "nothing is known of this address",
            "blobs removed  \(report.blobsRemoved) (\(ByteCount.text(report.bytesRemoved)))",
        ]
        if report.isBanned { lines.append("banned: nobody may hold it again") }
        return lines.joined(separator: "\n")
    }
}

import ArgumentParser
import Blobs
import Store

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
        let report = try await Maintenance.run(try options.load(), ControlRequest(remove: removal), \.removed)
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

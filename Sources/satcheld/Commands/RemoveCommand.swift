import ArgumentParser
import BlobHTTP
import Blobs
import Store
import Tickets

/// `satcheld remove`: takes blobs down, whoever holds them, or all that one person holds.
struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Removes blobs, whoever holds them, or all that one person holds.",
        usage: "satcheld remove ADDRESS|URL ... [--ban | --unban] [--json] [SETTINGS]\n"
            + "satcheld remove --user ADDRESS [--dry-run] [--json] [SETTINGS]",
        discussion: """
            A blob is named by its address (64 lower-case hexadecimal digits), by its URL, or by the URL of a slot that \
            leads to it; aesgcm: links are URLs too, and what follows # in one is not looked at. Ends every lease on the \
            blob with the reason "removed", and deletes its file.

            With --user, every lease of a person of an XMPP server is ended, those made with slots and those made with \
            tickets whose subject is xmpp: and the SHA-1 of the address; files that nobody else holds are deleted. Uploads \
            in progress are not ended.

            \(MaintenanceHelp.text) Settings follow the addresses.
            """)

    @Flag(help: "Also refuse the blob from now on.") var ban = false
    @Flag(help: "Accept the blob again; removes nothing.") var unban = false
    @Option(help: "Remove all that this person holds, such as alice@example.org.") var user: String?
    @Flag(help: "With --user: change nothing; report what is held.") var dryRun = false
    @Flag(help: "Print the report as JSON, one line for each blob.") var json = false
    @OptionGroup var options: SettingsOptions

    /// What stands before the settings.
    private var names: [String] { Array(options.flags.prefix { !$0.hasPrefix("--") }) }

    /// What is named, in order; nil for what names nothing.
    private var targets: [RemoveOptions.Target?] { names.map { RemoveOptions.Target($0) } }

    func validate() throws {
        if ban && unban { throw ValidationError("--ban and --unban contradict each other.") }
        if let user {
            guard names.isEmpty, !ban, !unban else {
                throw ValidationError("--user stands alone: with no address, --ban or --unban.")
            }
            guard Self.name(user: user) != nil else {
                throw ValidationError("--user: expected an address such as alice@example.org.")
            }
            return
        }
        if dryRun { throw ValidationError("--dry-run goes with --user.") }
        guard let wrong = targets.firstIndex(where: { $0 == nil }) else {
            if names.isEmpty { throw ValidationError("expected an address or a URL as the first argument.") }
            return
        }
        // A link may hold a key, so it is not repeated.
        throw ValidationError(
            "argument \(wrong + 1) is not an address; expected 64 lower-case hexadecimal digits, or the URL of a blob or slot."
        )
    }

    func run() async throws {
        var options = options
        options.flags.removeFirst(names.count)
        let settings = try options.load(for: Self.self)
        if let user, let name = Self.name(user: user) {
            let removal = RemoveSubjectOptions(subject: Ticket.chargedSubject(name), dryRun: dryRun)
            let report = try await Maintenance.run(settings, ControlRequest(removeSubject: removal), \.removedSubject)
            StandardOutput.write(json ? try JSONReport.text(report) : Self.text(report))
            return
        }
        var knowsAll = true
        for target in targets.compactMap({ $0 }) {
            let removal = RemoveOptions(target, action: ban ? .ban : unban ? .unban : .takeDown)
            let report = try await Maintenance.run(settings, ControlRequest(remove: removal), \.removed)
            StandardOutput.write(json ? try JSONReport.text(report) : Self.text(report, removal.action))
            knowsAll = knowsAll && Self.knows(report, removal.action)
        }
        if !knowsAll { throw ExitStatus.problemsFound.code }
    }

    /// The name of a person, whose address may be pasted as a link (RFC 5122).
    static func name(user: String) -> String? {
        let isLink = user.lowercased().hasPrefix("xmpp:")
        return ChatUser.name(address: isLink ? user.dropFirst("xmpp:".count).prefix { $0 != "?" } : user[...])
    }

    /// Whether there was anything that could be removed. A ban needs nothing that is there.
    static func knows(_ report: RemoveReport, _ action: RemoveOptions.Action) -> Bool {
        report.address != nil && (action != .takeDown || report.isKnown)
    }

    static func text(_ report: RemoveReport, _ action: RemoveOptions.Action) -> String {
        if report.address == nil { return "the store does not know this slot" }
        if action == .unban { return report.wasBanned ? "ban lifted" : "there was no ban" }
        var lines = [
            report.isKnown ? "leases ended   \(report.leasesEnded)" : "the store does not know this address",
            "blobs removed  \(report.blobsRemoved) (\(ByteCount.text(report.bytesRemoved)))",
        ]
        if report.isBanned { lines.append("banned: uploads of this blob are refused from now on") }
        return lines.joined(separator: "\n")
    }

    static func text(_ report: RemoveSubjectReport) -> String {
        if report.leasesEnded == 0 { return "nobody of this address holds anything" }
        if report.dryRun {
            return "Dry run: nothing was changed.\n"
                + "leases held    \(report.leasesEnded) (\(ByteCount.text(report.chargedBytes)) charged)"
        }
        return "leases ended   \(report.leasesEnded) (\(ByteCount.text(report.chargedBytes)) charged)\n"
            + "blobs removed  \(report.blobsRemoved) (\(ByteCount.text(report.bytesRemoved)))"
    }
}

extension RemoveOptions.Target {
    /// What an operator has pasted: an address, or the URL of a blob or a slot, as `http:`, `https:` or `aesgcm:`.
    init?(_ pasted: String) {
        // A key may follow, which nobody here is to see.
        let text = pasted.prefix { $0 != "#" }
        if let address = BlobAddress(hex: text) {
            self = .address(address)
            return
        }
        guard let colon = text.firstIndex(of: ":"), ["http", "https", "aesgcm"].contains(text[..<colon].lowercased()),
            text[colon...].hasPrefix("://")
        else { return nil }
        let rest = text[colon...].dropFirst(3)
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        let path = rest[slash...]
        if let start = path.firstRange(of: "/slots/")?.lowerBound {
            guard let slot = SlotPath.parse(target: path[start...])?.path else { return nil }
            self = .alias(slot.name)
            return
        }
        // The path of the public URL may stand before the name, and `open` too.
        let name = path.prefix { $0 != "?" }.split(separator: "/").last ?? ""
        guard case .blob(let address)? = Route(target: "/\(name)") else { return nil }
        self = .address(address)
    }
}

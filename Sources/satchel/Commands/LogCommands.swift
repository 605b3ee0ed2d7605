import ArgumentParser
import Blobs
import Files
import MediaClient
import Transfer

/// `satchel sent`.
struct SentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sent",
        abstract: "Shows, exports or prunes the log of sent files. Contacts no server.",
        discussion: """
            The log is sent.jsonl in ~/.local/state/satchel (or $XDG_STATE_HOME/satchel). It has what is needed to \
            show, renew and revoke each lease and to seal its blob again; never a key, a file name or a caption.
            """,
        subcommands: [ListLeases.self, ExportLog.self, PruneLog.self], defaultSubcommand: ListLeases.self)

    struct ListLeases: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Shows every lease and its last known status.")

        func run() throws {
            let composition = try Composition(flags: [:], console: Console(isQuiet: true))
            for lease in try composition.client.sentLeases() {
                try printResult("\(StatusLine.start(lease, .ofOutput))  \(state(of: lease))")
            }
        }

        private func state(of lease: SentLease) -> String {
            if let end = lease.end { return "\(end.reason.sentence), reported \(CalendarTime(end.at, .ofOutput))" }
            guard lease.isSent else { return "upload never confirmed" }
            return lease.expires.map { "expires \(CalendarTime($0, .ofOutput))" } ?? "sent"
        }
    }

    struct ExportLog: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Prints the log for backup, or to append to another one: JSON, one event a line.",
            discussion: "Anyone with these lines can revoke what was sent; nobody can decrypt it with them.")

        func run() throws {
            let composition = try Composition(flags: [:], console: Console(isQuiet: true))
            for line in try composition.client.sentLines() { try printResult(line) }
        }
    }

    struct PruneLog: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "prune",
            abstract: "Removes leases that ended some time ago from the log; never those that may be alive.")

        @Option(help: ArgumentHelp("How long ago they must have ended: 45s, 90m, 12h, 30d, 2w, 1y.", valueName: "time"))
        var overFor = "30d"

        func run() throws {
            let age: Lifetime
            do { age = try WrittenDuration.parse(overFor) } catch { throw ExitError("--over-for: \(error)", .usage) }
            let composition = try Composition(flags: [:], console: Console(isQuiet: true))
            try printResult("removed: \(try composition.client.pruneSent(overFor: age))")
        }
    }
}

/// `satchel receipts`.
struct ReceiptsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipts",
        abstract: "Shows or sends delivery receipts that are waiting for their server.",
        discussion: """
            A receipt that cannot be delivered waits, and is sent when a command next reaches its server. It is \
            dropped after 60 days, or if the server refuses it.
            """,
        subcommands: [ListWaiting.self, SendWaiting.self], defaultSubcommand: ListWaiting.self)

    struct ListWaiting: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Shows the waiting receipts, newest first. Contacts no server.")

        func run() throws {
            let composition = try Composition(flags: [:], console: Console(isQuiet: true))
            for entry in try composition.client.waitingReceipts() {
                let place = entry.receipt.place
                let name = place.lastPathPart.prefix(8)
                try printResult("\(CalendarTime(entry.receipt.at, .ofOutput))  \(name)  \(place.origin.authority)")
            }
        }
    }

    struct SendWaiting: ConfiguredCommand {
        static let configuration = CommandConfiguration(commandName: "send", abstract: "Sends the waiting receipts.")

        @OptionGroup(title: "Connection") var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var help: HelpOptions

        var flags: [SettingKey: String] { connection.flags }

        func run() throws {
            let console = output.console
            let composition = try Composition(flags: flags, console: console)
            let tally = try composition.client.sendWaitingReceipts()
            if let reason = tally.reason { console.notify(reason) }
            try printResult("delivered \(tally.delivered), dropped \(tally.dropped), waiting \(tally.waiting)")
            if tally.waiting > 0 { throw ExitError("receipts still waiting: \(tally.waiting)", .tryLater) }
        }
    }
}

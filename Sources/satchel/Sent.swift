import ArgumentParser
import Blobs
import Files
import MediaClient

/// What the sent log remembers.
struct Sent: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows, exports or prunes the log of what was sent. Asks no server.",
        discussion: """
            The log is sent.jsonl in ~/.local/state/satchel (or below XDG_STATE_HOME). It holds what shows, renews and \
            revokes each lease and seals its blob again; never a key, a name or a caption.
            """,
        subcommands: [List.self, Export.self, Prune.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows every lease and what was last heard of it.")

        func run() throws {
            let composition = try Composition(flags: [:], terminal: Terminal(isQuiet: true))
            for lease in try composition.client.sentLeases() {
                try printResult("\(StatusLine.start(lease))  \(state(of: lease))")
            }
        }

        private func state(of lease: SentLease) -> String {
            if let end = lease.end { return "\(end.reason.sentence), heard \(CalendarTime(end.at))" }
            guard lease.isSent else { return "never heard to have arrived" }
            return lease.expires.map { "kept until \(CalendarTime($0))" } ?? "sent"
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the log, to be kept or added to another one: JSON, one event a line.",
            discussion: "Whoever has these lines can revoke what was sent; nobody can open it with them.")

        func run() throws {
            let composition = try Composition(flags: [:], terminal: Terminal(isQuiet: true))
            for line in try composition.client.sentLines() { try printResult(line) }
        }
    }

    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forgets what has been over for a while; never what may be alive.")

        @Option(help: ArgumentHelp("Since when it is over: 45s, 90m, 12h, 30d, 2w.", valueName: "time"))
        var overFor = "30d"

        func run() throws {
            guard let age = Lifetime(overFor) else {
                throw Ending("--over-for: \(overFor) is no time, such as 12h or 30d", Ending.usage)
            }
            let composition = try Composition(flags: [:], terminal: Terminal(isQuiet: true))
            try printResult("forgotten: \(try composition.client.pruneSent(overFor: age))")
        }
    }
}

import ArgumentParser
import MediaClient
import Transfer

/// What `open` could not say yet.
struct Receipts: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows or sends the receipts that wait for their server.",
        discussion: """
            A receipt that cannot be delivered waits, and goes out when a command reaches its server again. After 60 \
            days, or when the server will not have it, it is dropped.
            """,
        subcommands: [List.self, Send.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows what waits, the newest first. Asks no server.")

        func run() throws {
            let composition = try Composition(flags: [:], terminal: Terminal(isQuiet: true))
            for entry in try composition.client.waitingReceipts() {
                let place = entry.receipt.place
                let name = place.lastPathPart.prefix(8)
                try printResult("\(CalendarTime(entry.receipt.at))  \(name)  \(place.origin.authority)")
            }
        }
    }

    struct Send: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Sends what waits.")

        @OptionGroup(title: "Connection") var connection: ConnectionOptions
        @OptionGroup var voice: VoiceOptions

        func run() throws {
            let terminal = voice.terminal
            let composition = try Composition(flags: connection.flags, terminal: terminal)
            let tally = try composition.client.sendWaitingReceipts()
            if let reason = tally.reason { terminal.say(reason) }
            try printResult("delivered \(tally.delivered), dropped \(tally.dropped), waiting \(tally.waiting)")
            if tally.waiting > 0 { throw Ending("\(tally.waiting) receipts wait on", Ending.tryLater) }
        }
    }
}

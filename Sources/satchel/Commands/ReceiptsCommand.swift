import ArgumentParser
import Blobs
import MediaClient
import Transfer

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
                try printResult("\(CalendarTime(entry.receipt.at))  \(name)  \(place.origin.authority)")
            }
        }
    }

    struct SendWaiting: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "send", abstract: "Sends the waiting receipts.")

        @OptionGroup(title: "Connection") var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let console = output.console
            let composition = try Composition(flags: connection.flags, console: console)
            let tally = try composition.client.sendWaitingReceipts()
            if let reason = tally.reason { console.notify(reason) }
            try printResult("delivered \(tally.delivered), dropped \(tally.dropped), waiting \(tally.waiting)")
            if tally.waiting > 0 { throw ExitError("receipts still waiting: \(tally.waiting)", .tryLater) }
        }
    }
}

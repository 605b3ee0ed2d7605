import ArgumentParser
import Files

/// The server: keeps sealed blobs for as long as somebody holds a lease on them.
@main
struct Satcheld: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "satcheld",
        abstract: "Keeps sealed blobs for as long as somebody holds a lease on them.",
        subcommands: [
            ServeCommand.self, CollectCommand.self, CheckCommand.self, RemoveCommand.self, StatsCommand.self,
            TicketCommand.self, ConfigCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)
}

/// How a command ended when it did not do what it was asked, as sysexits.h has it.
enum ExitStatus {
    /// The command was called in a way that leads nowhere.
    static let usage = ExitCode(64)
    /// The disk or the network failed.
    static let inputOutput = ExitCode(74)
    /// Something is busy that may be free later.
    static let temporary = ExitCode(75)
    /// The settings cannot be used.
    static let configuration = ExitCode(78)

    /// Tells why on stderr, and gives the code to end with.
    static func failure(_ why: String, _ code: ExitCode) -> ExitCode {
        StandardError.write("satcheld: \(why)")
        return code
    }
}

import ArgumentParser
import Blobs
import CCommit
import Files

/// The server: stores encrypted blobs, and deletes each one when its last lease ends.
@main
struct Satcheld: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "satcheld",
        abstract: "Stores encrypted blobs, serves them over HTTP, and deletes each one when its last lease ends.",
        discussion: ExitStatus.help, version: unsafe Release.text(commit: String(cString: ccommit_name())),
        subcommands: [
            ServeCommand.self, HealthCommand.self, CollectCommand.self, CheckCommand.self, RemoveCommand.self,
            StatsCommand.self, CopyCommand.self, TicketCommand.self, EdgeCommand.self, EdgeKeyCommand.self,
            EdgeStatsCommand.self,
            EdgeDropCommand.self, PageDigestCommand.self, SettingsCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)

    /// Runs the command; what is wrong with the command line is said like every other error.
    static func main() async {
        if let shell = SettingsCompletions.shell(in: Array(CommandLine.arguments.dropFirst())) {
            return StandardOutput.write(SettingsCompletions.script(for: shell))
        }
        do {
            if let why = refusal(ofCommand: CommandLine.arguments.dropFirst().first) {
                throw ExitStatus.failure(why, .usage)
            }
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch {
            let text = fullMessage(for: error)
            guard text.hasPrefix("Error: ") else { exit(withError: error) }
            StandardError.write("satcheld: \(withoutKeys(String(text.dropFirst("Error: ".count))))")
            exit(withError: exitCode(for: error))
        }
    }
}

extension Satcheld {
    /// Why the first argument is none; nil if it is a command or a flag. `serve`, which is run without a command, would
    /// take it for a setting.
    static func refusal(ofCommand first: String?) -> String? {
        let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        guard let first, !first.hasPrefix("-"), !names.contains(first) else { return nil }
        return "there is no command \"\(first)\"; see satcheld --help."
    }
}

/// The exit codes of every command; those above 1 are from sysexits.h.
enum ExitStatus: Int32, CaseIterable {
    case success = 0
    case problemsFound = 1
    case usage = 64
    case inputOutput = 74
    case temporary = 75
    case configuration = 78

    var meaning: String {
        switch self {
        case .success: "Done."
        case .problemsFound:
            "fsck found problems; health found that the server cannot store or serve; or the store does not know what "
                + "remove was to remove."
        case .usage: "The command line is wrong."
        case .inputOutput: "The store, the disk or the network failed."
        case .temporary: "No server answers, although another process owns the store or one was asked for."
        case .configuration: "A setting, or a file that it names, cannot be used."
        }
    }

    var code: ExitCode { ExitCode(rawValue) }

    /// Reports why on stderr, and returns what to throw.
    static func failure(_ why: String, _ status: ExitStatus) -> ExitCode {
        StandardError.write("satcheld: \(withoutKeys(why))")
        return status.code
    }

    /// The table for `--help`.
    static let help =
        "EXIT CODES:\n"
        + allCases.map { hangingLines("  \("\($0.rawValue)".padding(to: 4))", $0.meaning.split(separator: " ")) }
        .joined(separator: "\n")
}

extension String {
    /// Followed by spaces to `width` characters.
    func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

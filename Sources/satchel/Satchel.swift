import ArgumentParser
import Blobs
import CCommit
import MediaClient

/// The program.
struct Satchel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "satchel",
        abstract: "Sends end-to-end encrypted files: the chat carries only a message of a few hundred bytes.",
        discussion: """
            A message contains the key. Pass it to satchel through a pipe or a file: other users can see arguments.

            Settings come from flags, from environment variables (SATCHEL_SERVER, SATCHEL_TICKET …) and from the file \
            ~/.config/satchel/config. Run `satchel config` to see them all, and `satchel doctor` to see whether they \
            work. Where a command has more options than its --help shows, --help-all shows them.

            EXIT CODES:
            \(ExitCode.table)
            """,
        version: unsafe Release.text(commit: String(cString: ccommit_name())),
        subcommands: [
            SendCommand.self, OpenCommand.self, ShowCommand.self, StatusCommand.self, ForwardCommand.self,
            RenewCommand.self, RevokeCommand.self, SentCommand.self, OutboxCommand.self, ReceiptsCommand.self,
            QuotaCommand.self, DoctorCommand.self, SealCommand.self, UnsealCommand.self, PrepareCommand.self,
            PageCommand.self, ConfigurationCommand.self,
        ])
}

struct ConfigurationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Shows the settings in effect and where each comes from. The ticket is not shown.",
        discussion: """
            The file ~/.config/satchel/config (or $XDG_CONFIG_HOME/satchel/config) has lines of the form `name = \
            value`. Empty lines and lines that start with # are ignored. The names are those printed here, where what is \
            only a default is a comment. Flags override the environment, and the environment overrides the file.
            """)

    func run() throws {
        let sources = try Composition.sources([:])
        let settings = try Settings(sources)
        for setting in SettingKey.allCases {
            let origin = sources.value(of: setting)?.origin ?? .standard
            try printResult("# \(setting.meaning) (\(setting.variable)); from: \(origin)")
            let value = line(setting, settings.text(of: setting))
            try printResult(origin == .standard && !value.hasPrefix("#") ? "# \(value)" : value)
        }
    }

    /// A line that would mean the same in the configuration file; what is only a default stays one there.
    private func line(_ setting: SettingKey, _ value: String?) -> String {
        guard let value else { return "# \(setting.rawValue) is not set" }
        return setting.isSecret ? "# \(setting.rawValue) is set (not shown)" : "\(setting.rawValue) = \(value)"
    }
}

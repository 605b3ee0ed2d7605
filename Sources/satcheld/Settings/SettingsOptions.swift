import ArgumentParser
import FoundationEssentials

/// The part of a command line that all commands share: flags for settings, and the settings file.
struct SettingsOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "Read settings from this JSON file.")
    var configPath: String?

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var flags: [String] = []

    /// The settings found in flags, environment and file, not parsed yet. `command` is the one that was used.
    func find(_ table: SettingsTable = .origin, for command: any ParsableCommand.Type) throws -> SettingsLoader {
        do {
            return try SettingsLoader(
                table, arguments: flags, environment: ProcessInfo.processInfo.environment, configPath: configPath)
        } catch {
            guard error.isUsage else { throw ExitStatus.failure(error.description, .configuration) }
            let name = command.configuration.commandName ?? ""
            throw ExitStatus.failure("\(error); see satcheld \(name) --help.", .usage)
        }
    }

    /// The settings in effect.
    func load(_ table: SettingsTable = .origin, for command: any ParsableCommand.Type) throws -> ServerSettings {
        let found = try find(table, for: command)
        do { return try found.settings() } catch {
            throw ExitStatus.failure(error.description, .configuration)
        }
    }

    /// The table of settings as `--help` shows it.
    static let help = help(.origin)

    static func help(_ table: SettingsTable) -> String {
        let lines = table.settings.map { setting in
            let value = setting.placeholder.map { " <\($0)>" } ?? ""
            let standard = setting.standard.isEmpty ? "" : " (default: \(setting.standard))"
            return "  \(setting.flag)\(value)\n      \(setting.help)\(standard)\n      \(setting.environmentName)"
        }
        return """
            Each setting is a flag, an environment variable, or a member of the JSON file that --config or \
            SATCHELD_CONFIG names (there without the leading dashes). Flags override the environment, the environment \
            overrides the file. TIME is a number of seconds, or a number with s, m, h, d or w. BYTES is a number, or a \
            number with KiB, MiB, GiB or TiB.

            SETTINGS:
            \(lines.joined(separator: "\n"))
            """
    }
}

/// `satcheld config`: the settings in effect.
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Shows every setting in effect and where it comes from.",
        discussion: SettingsOptions.help)

    @OptionGroup var options: SettingsOptions

    func run() throws {
        let found = try options.find(for: Self.self).all()
        let nameWidth = found.map { $0.setting.name.count }.max() ?? 0
        let textWidth = found.map { max($0.text.count, 1) }.max() ?? 0
        for item in found {
            let text = item.text.isEmpty ? "-" : item.text
            let name = item.setting.name.padding(to: nameWidth)
            StandardOutput.write("\(name)  \(text.padding(to: textWidth))  \(item.source)")
        }
        _ = try options.load(for: Self.self)
    }
}

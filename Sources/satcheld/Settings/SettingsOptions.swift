import ArgumentParser
import Blobs
import FoundationEssentials

/// The part of a command line that all commands share: flags for settings, and the settings file.
struct SettingsOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: ArgumentHelp("Read settings from this JSON file.", valueName: "file"))
    var configPaths: [String] = []

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var flags: [String] = []

    /// The settings found in flags, environment and file, not parsed yet. `command` is the one that was used.
    func find(_ table: SettingsTable = .origin, for command: any ParsableCommand.Type) throws -> SettingsLoader {
        do {
            if configPaths.count > 1 { throw SettingsError("--config is given twice", isUsage: true) }
            return try SettingsLoader(
                table, arguments: flags, environment: ProcessInfo.processInfo.environment,
                configPath: configPaths.first)
        } catch let error as SettingsError {
            throw Self.failure(error, command)
        }
    }

    /// The settings in effect.
    func load(_ table: SettingsTable = .origin, for command: any ParsableCommand.Type) throws -> ServerSettings {
        let found = try find(table, for: command)
        do { return try found.settings() } catch { throw Self.failure(error, command) }
    }

    private static func failure(_ error: SettingsError, _ command: any ParsableCommand.Type) -> ExitCode {
        guard error.isUsage else { return ExitStatus.failure(error.description, .configuration) }
        let name = command.configuration.commandName ?? ""
        return ExitStatus.failure("\(error); see satcheld \(name) --help.", .usage)
    }

    /// The table of settings as `--help` shows it.
    static let help = help(.origin)

    static func help(_ table: SettingsTable) -> String {
        let lines = table.settings.map { setting in
            let value = setting.isSwitch ? " [\(setting.placeholder)]" : " <\(setting.placeholder)>"
            let standard = setting.standard.isEmpty ? [] : ["(default: \(setting.standard))"]
            let meaning = hangingLines("      ", setting.help.split(separator: " ").map(String.init) + standard)
            return "  \(setting.flag)\(value)\n\(meaning)\n      \(setting.environmentName)"
        }
        return """
            Each setting is a flag, an environment variable, or a member of the JSON file that --config or \
            SATCHELD_CONFIG names (there without the leading dashes). Flags override the environment, the environment \
            overrides the file. A setting that is true or false may be yes or no, on or off, 1 or 0 too; its flag alone \
            is true. TIME is a number of seconds, or a number with s, m, h, d, w or y. BYTES is a number, or a \
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
        discussion: "Those of serve, as below; with --edge those of edge, as satcheld edge --help lists them.\n\n"
            + SettingsOptions.help)

    @Flag(help: "Show the settings of an edge.") var edge = false
    @Flag(help: "Print a settings file instead: what is set as it is, every other setting in a comment.")
    var template = false
    @OptionGroup var options: SettingsOptions

    func run() throws {
        let table = edge ? SettingsTable.edge : .origin
        let all = try options.find(table, for: Self.self).all()
        if template {
            _ = try options.load(table, for: Self.self)
            return StandardOutput.write(try SettingsTemplate.text(all, of: table))
        }
        let found = all.map(\.withUnit)
        let nameWidth = found.map { $0.setting.name.count }.max() ?? 0
        let textWidth = found.map { max($0.shown.count, 1) }.max() ?? 0
        for item in found {
            let text = item.text.isEmpty ? "-" : item.shown
            let name = item.setting.name.padding(to: nameWidth)
            StandardOutput.write("\(name)  \(text.padding(to: textWidth))  \(item.source)")
        }
        _ = try options.load(table, for: Self.self)
    }
}

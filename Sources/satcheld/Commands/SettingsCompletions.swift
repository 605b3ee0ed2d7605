import ArgumentParser

/// The completions of shells, with settings. The parser does not know these, since commands take them from a table; but
/// every command that takes settings also takes `--config`. So a setting is written as the parser writes that option, on the
/// lines behind it.
enum SettingsCompletions {
    /// The shell that completions are asked for by these arguments of the program.
    static func shell(in arguments: [String]) -> CompletionShell? {
        guard arguments.count == 2, arguments[0] == "--generate-completion-script" else { return nil }
        return CompletionShell(rawValue: arguments[1])
    }

    /// The script for a shell.
    static func script(for shell: CompletionShell) -> String {
        var command = Substring()
        let lines = Satcheld.completionScript(for: shell).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.map { line in
            command = Self.command(on: line) ?? command
            return extended(String(line), for: shell, settings(of: command))
        }.joined(separator: "\n")
    }

    /// The command that a line begins to describe, or describes.
    private static func command(on line: Substring) -> Substring? {
        [/^_satcheld_([a-z-]+)\(\)/, /^ +case '([a-z-]+)'/, /"satcheld ([a-z-]+)"/].lazy
            .compactMap { line.firstMatch(of: $0)?.output.1 }.first
    }

    private static func settings(of command: Substring) -> [ServerSetting] {
        let ofEdges = [EdgeCommand.configuration, EdgeStatsCommand.configuration, EdgeDropCommand.configuration]
        return ofEdges.contains { $0.commandName == String(command) }
            ? SettingsTable.edge.settings : SettingsTable.origin.settings
    }

    /// A line, with what follows from it for settings if it is about `--config`.
    private static func extended(_ line: String, for shell: CompletionShell, _ settings: [ServerSetting]) -> String {
        let options = settings.filter { !$0.isSwitch }.map(\.flag)
        switch shell {
        case .bash where line.contains("repeating_options=(--config"):
            let switches = settings.filter(\.isSwitch).map(\.flag).joined(separator: " ")
            return line.replacing("--config", with: "--config \(options.joined(separator: " "))", maxReplacements: 1)
                + "\n    repeating_flags+=(\(switches))"
        case .bash where line.contains("'--config')"):
            return line.replacing("'--config'", with: (["--config"] + options).map { "'\($0)'" }.joined(separator: "|"))
        case .zsh where line.contains("'*--config["):
            return ([line] + settings.map { "        '*\($0.flag)[\(specified($0.help))]\($0.zshValue)'" })
                .joined(separator: "\n")
        case .fish where line.contains("'config=+'"):
            let names = ["config=+"] + settings.map { $0.isSwitch ? $0.name : "\($0.name)=+" }
            return line.replacing("'config=+'", with: names.map { "'\($0)'" }.joined(separator: " "))
        case .fish where line.contains(" -l 'config' "):
            guard let start = line.firstRange(of: " -l 'config' ") else { return line }
            let same = line[..<start.lowerBound]
            return ([line] + settings.map { "\(same) -l '\($0.name)' -d '\(quotedForFish($0.help))'\($0.fishValue)" })
                .joined(separator: "\n")
        default: return line
        }
    }

    /// A text in the specification of an option, in single quotes (zshcompsys(1), `_arguments`).
    private static func specified(_ text: String) -> String {
        escaped(text, "\\:[]").replacing("'", with: "'\\''")
    }

    /// A text in fish's single quotes, in which a backslash quotes itself and the quote.
    private static func quotedForFish(_ text: String) -> String { escaped(text, "\\'") }

    /// A text with a backslash before each of these characters.
    private static func escaped(_ text: String, _ special: String) -> String {
        text.map { special.contains($0) ? "\\\($0)" : String($0) }.joined()
    }
}

extension ServerSetting {
    private var isPath: Bool { ["FILE", "FOLDER", "PATHS"].contains(placeholder) }

    /// How the value is completed: by files, by a word that has nothing to choose from, or not at all for a switch.
    fileprivate var zshValue: String { isSwitch ? "" : isPath ? ":\(name):_files" : ":\(name):" }

    fileprivate var fishValue: String { isSwitch ? "" : isPath ? " -rF" : " -rfka ''" }
}

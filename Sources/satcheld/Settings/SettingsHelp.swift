/// The table of settings as `--help` shows it.
enum SettingsHelp {
    static let text: String = {
        let lines = SettingsTable.all.map { setting in
            let value = setting.placeholder.map { " <\($0)>" } ?? ""
            let standard = setting.standard.isEmpty ? "" : " (default: \(setting.standard))"
            return "  \(setting.flag)\(value)\n      \(setting.help)\(standard)\n      \(setting.environmentName)"
        }
        return """
            Each setting can be a flag, an environment variable, or a member of the JSON file that --config or \
            SATCHELD_CONFIG names (there under its name without dashes in front); a flag wins over the environment, \
            the environment over the file. TIME is a number of seconds, or one with s, m, h, d or w; BYTES is a \
            number, or one with KiB, MiB, GiB or TiB.

            SETTINGS:
            \(lines.joined(separator: "\n"))
            """
    }()
}

import ArgumentParser
import MediaClient

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the settings in effect, and where each comes from; the ticket stays hidden.",
        discussion: """
            The file ~/.config/satchel/config (or below XDG_CONFIG_HOME) holds lines of `name = value`; empty lines \
            and lines that begin with # say nothing. Names are those printed here. Flags come before the \
            environment, the environment before the file.
            """)

    func run() throws {
        let sources = try Composition.sources([:])
        let settings = try Settings(sources)
        for setting in Setting.allCases {
            let origin = sources.value(of: setting)?.origin ?? .standard
            try printResult("# \(setting.meaning) (\(setting.variable)); from: \(origin)")
            try printResult(line(setting, settings.text(of: setting)))
        }
    }

    /// A line that would say the same in the configuration file.
    private func line(_ setting: Setting, _ value: String?) -> String {
        guard let value else { return "# \(setting.rawValue) is not set" }
        return setting.isSecret ? "# \(setting.rawValue) is set, and not shown" : "\(setting.rawValue) = \(value)"
    }
}

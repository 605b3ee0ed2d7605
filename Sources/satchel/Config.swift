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
        for (setting, value) in try Settings(sources).shown() {
            let origin = sources.value(of: setting)?.origin ?? .standard
            try printResult("# \(setting.meaning) (\(setting.variable))")
            try printResult("\(setting.rawValue) = \(value)    # \(origin)")
        }
    }
}

import ArgumentParser
import Store

/// `satcheld stats`: what the store holds, for a person.
struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Shows what is held, by age and by size.",
        discussion: "Works by itself, or through the server that owns the store. It takes the settings of serve.")

    @Flag(help: "Print the numbers as JSON.") var json = false
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try await options.load()
        let statistics = try await Maintenance.run(settings, ControlRequest(statistics: true)) { store in
            try await store.statistics()
        } reported: {
            $0.statistics
        }
        StandardOutput.write(json ? try JSONReport.text(statistics) : StatisticsTable.text(statistics))
    }
}

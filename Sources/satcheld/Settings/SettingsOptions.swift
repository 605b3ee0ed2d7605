import ArgumentParser
import FoundationEssentials

/// The part of a command line that every command shares: flags that name settings, and the file of settings.
struct SettingsOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "A JSON file of settings.")
    var configPath: String?

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var flags: [String] = []

    /// Everything from flags, environment and file.
    func sources() async throws -> SettingsSources {
        do {
            return try await SettingsSources(
                arguments: flags, environment: ProcessInfo.processInfo.environment, configPath: configPath)
        } catch let error as SettingsError {
            throw ExitStatus.failure(error.description, ExitStatus.configuration)
        }
    }

    /// The settings, read and checked.
    func load() async throws -> ServerSettings {
        do {
            return try await sources().settings()
        } catch let error as SettingsError {
            throw ExitStatus.failure(error.description, ExitStatus.configuration)
        }
    }
}

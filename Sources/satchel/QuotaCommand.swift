import ArgumentParser
import MediaClient

/// `satchel quota`.
struct QuotaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota", abstract: "Tells what you may still use at the server, and when more comes back.")

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var voice: VoiceOptions

    func run() throws {
        let flags = server.flags.merging(connection.flags) { $1 }
        let composition = try Composition(flags: flags, terminal: voice.terminal)
        try printResult(QuotaDescription(try composition.client.quota()).text)
    }
}

/// What may still be used, in words.
struct QuotaDescription {
    private let quota: Quota

    init(_ quota: Quota) { self.quota = quota }

    /// A line each for bytes, leases and uploads under way, and one for the next end.
    var text: String {
        var lines = [
            "bytes    \(line(quota.bytes, ProgressMeter.bytes))", "leases   \(line(quota.leases) { "\($0)" })",
            "uploads  \(line(quota.uploads) { "\($0)" })",
        ]
        if let end = quota.nextEnd { lines.append("the next lease ends \(CalendarTime(end))") }
        return lines.joined(separator: "\n")
    }

    private func line(_ use: Quota.Use, _ text: (Int64) -> String) -> String {
        let limit = use.limit.map { " of \(text($0))" } ?? ", no limit"
        let reserved = use.reserved > 0 ? ", and \(text(use.reserved)) of uploads under way" : ""
        return "\(text(use.used))\(limit)\(reserved)"
    }
}

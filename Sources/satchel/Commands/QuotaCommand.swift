import ArgumentParser
import MediaClient

/// `satchel quota`.
struct QuotaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota", abstract: "Shows how much of your quota is used at the server, and when more is freed.")

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let composition = try Composition(flags: merged(server.flags, connection.flags), console: output.console)
        try printResult(QuotaDescription(try composition.client.quota()).text)
    }
}

/// A quota in words.
struct QuotaDescription {
    private let quota: Quota

    init(_ quota: Quota) { self.quota = quota }

    /// A line each for bytes, leases and uploads in progress, and one for the next expiry.
    var text: String {
        var lines = [
            "bytes    \(line(quota.bytes, ProgressMeter.bytes))", "leases   \(line(quota.leases) { "\($0)" })",
            "uploads  \(line(quota.uploads) { "\($0)" })",
        ]
        if let end = quota.nextEnd { lines.append("the next lease ends \(CalendarTime(end))") }
        return lines.joined(separator: "\n")
    }

    private func line(_ use: Quota.Allowance, _ text: (Int64) -> String) -> String {
        let limit = use.limit.map { " of \(text($0))" } ?? ", no limit"
        let reserved = use.reserved > 0 ? ", and \(text(use.reserved)) for uploads in progress" : ""
        return "\(text(use.used))\(limit)\(reserved)"
    }
}

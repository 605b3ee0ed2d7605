import Files
import Foundation
import TestSupport
import Testing

/// Files that settings name, as an operator meets them who got one wrong.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct SettingFileTests {
    private let journey: Journey

    init() throws { journey = try Journey() }

    private func satcheld(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> CommandResult {
        try await run(
            Programs.path("satcheld"), arguments,
            environment: journey.environment(server: nil).merging(environment) { $1 }, in: journey.folder.path)
    }

    /// Starts a server of that kind with these options, and ends it where it gets ready.
    private func start(
        _ kind: String, _ options: [String], _ environment: [String: String] = [:]
    ) async throws -> CommandResult {
        let place = kind == "edge" ? ["--origin", "https://127.0.0.1:1", "--cache", "made"] : ["--storage", "made"]
        let command = try RunningCommand(
            Programs.path("satcheld"), [kind, "--listen", "127.0.0.1:0", "--keep-free", "0"] + place + options,
            environment: journey.environment(server: nil).merging(environment) { $1 }, in: journey.folder.path)
        try await eventually { !command.isRunning || !command.outputSoFar.isEmpty }
        if command.isRunning { command.send(signal: SIGTERM) }
        return await command.result()
    }

    /// The settings that name files, with what else they need.
    private static let settings: [(kind: String, name: String, others: [String])] = [
        ("edge", "origin-ca", []), ("edge", "edge-key", []), ("edge", "edge-keys", []),
        ("edge", "tls-certificate", ["--tls-key", "key.pem"]),
        ("edge", "tls-key", ["--tls-certificate", "certificate.pem"]), ("edge", "config", []),
        ("serve", "edge-keys", []), ("serve", "ticket-keys", ["--ticket-audience", "a"]),
        ("serve", "tls-certificate", ["--tls-key", "key.pem"]),
        ("serve", "tls-key", ["--tls-certificate", "certificate.pem"]), ("serve", "config", []),
    ]

    @Test(arguments: ["missing", "folder", "rubbish", "empty"])
    func `no server starts with a file that cannot be used, and the error names setting and file`(file: String)
        async throws
    {
        try await journey.makeCertificate()
        try Folder.make(journey.path("folder"))
        try TokenForge.write("rubbish", to: journey.path("rubbish"))
        try TokenForge.write("", to: journey.path("empty"))
        for (kind, name, others) in Self.settings {
            let variable = "SATCHELD_\(name.uppercased().replacingOccurrences(of: "-", with: "_"))"
            for (place, options, environment) in [
                ("--\(name)", ["--\(name)", file], [:]), (variable, [], [variable: file]),
            ] as [(String, [String], [String: String])] {
                let refused = try await start(kind, others + options, environment)
                #expect(refused.status == 78, "\(kind) \(place): \(refused.status) \(refused.errors)")
                #expect(refused.errors.hasPrefix("satcheld: \(place): "), "\(kind): \(refused.errors)")
                #expect(refused.errors.contains(file) && refused.errors.split(separator: "\n").count == 1)
                #expect(!FileManager.default.fileExists(atPath: journey.path("made")), "nothing was made")
            }
        }
    }

    @Test(arguments: ["edge", "serve"])
    func `an access log that cannot be opened is named, and its setting`(kind: String) async throws {
        let refused = try await start(kind, ["--access-log", "missing/log"])
        #expect(refused.status == 78, "\(refused.errors)")
        #expect(refused.errors.contains("satcheld: --access-log: open missing/log: No such file"), "\(refused.errors)")
    }

    @Test func `the settings of an edge are shown as those of a server are, each with where it was set`() async throws {
        let shown = try await satcheld(
            ["config", "--edge", "--origin", "https://media.example"], ["SATCHELD_CACHE_SIZE": "400GiB"])
        #expect(shown.status == 0, "\(shown.errors)")
        let lines = shown.lines.map { $0.split(separator: " ").map(String.init) }
        #expect(lines.contains(["origin", "https://media.example", "--origin"]), "\(shown.output)")
        #expect(lines.contains(["cache-size", "400GiB", "SATCHELD_CACHE_SIZE"]))
        #expect(lines.contains(["pass", "true", "default"]) && !lines.contains { $0.first == "storage" })
        let wrong = try await satcheld(["config", "--edge", "--cache-size", "much"])
        #expect(wrong.status == 64 && wrong.errors.contains("--cache-size: expected bytes"), "\(wrong.errors)")
        let other = try await satcheld(["config", "--fills", "1"])
        #expect(other.status == 64 && other.errors.contains("--fills is a setting of edge"), "\(other.errors)")
    }

    @Test(
        arguments: [
            (["edge"], [:], "an edge needs --origin (SATCHELD_ORIGIN)"),
            (["edge", "--origin="], [:], "an edge needs --origin"), (["serve", "--config"], [:], "--config"),
            (["serve", "--config", "a", "--config", "b"], [:], "--config is given twice"),
            (["serve", "stray"], [:], "unknown argument \"stray\""),
        ] as [([String], [String: String], String)])
    func `what is wrong with a command line is named`(
        arguments: [String], environment: [String: String], words: String
    ) async throws {
        let refused = try await satcheld(arguments, environment)
        #expect(refused.status == 64 && refused.errors.contains(words), "\(refused.status) \(refused.errors)")
    }
}

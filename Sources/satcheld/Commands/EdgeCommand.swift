import ArgumentParser
import BlobHTTP
import Blobs
import Edge
import Files
import Logging
import OriginLink

/// `satcheld edge`: a cache in front of another server, until SIGTERM or SIGINT.
struct EdgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge", abstract: "Caches the blobs of an origin near those who read them.",
        discussion: SettingsOptions.help(.edge))

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        var settings = try options.load(.edge, for: Self.self)
        guard !settings.cache.origins.isEmpty else {
            throw ExitStatus.failure(
                "an edge needs --origin (SATCHELD_ORIGIN), the URL of the server that it stands in front of; see"
                    + " satcheld edge --help.", .usage)
        }
        guard let maximumAge = Lifetime(seconds: settings.server.cacheSeconds) else {
            throw ExitStatus.failure("--cache-max-age is at least a second.", .configuration)
        }
        settings.cache.edge.maximumAge = maximumAge
        let key: String?
        do throws(SettingsError) {
            settings.server.identity = try TLSFiles.identity(settings)
            settings.server.edgeKeys = try EdgeKeyring.keys(settings)
            settings.cache.link.trust = try OriginRoots.trust(settings)
            key = try EdgeKeyring.own(settings)
        } catch {
            throw ExitStatus.failure(error.description, .configuration)
        }
        let (fitted, logger) = ServeCommand.begin(settings)
        try await EdgeServer.serve(fitted, key: key, logger: logger)
    }
}

/// `satcheld edge-stats`: what the edge that runs on a cache has.
struct EdgeStatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge-stats", abstract: "Shows what a running edge has cached.",
        discussion:
            "Asks the edge through the folder of its cache, as the edge's own user. Takes the settings of edge, "
            + "such as --cache.")

    @Flag(help: "Print the numbers as JSON.") var json = false
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let report = try await EdgeControl.ask(
            try options.load(.edge, for: Self.self), ControlRequest(cache: true), \.cache)
        StandardOutput.write(json ? try JSONReport.text(report) : report.text)
    }
}

/// `satcheld edge-drop`: makes the edge that runs on a cache forget blobs.
struct EdgeDropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge-drop", abstract: "Makes a running edge forget a blob, or all of them.",
        discussion: "They are fetched again when they are asked for, if the origin still has them. Takes the settings "
            + "of edge, such as --cache, behind the address.")

    @Argument(help: "The address of a blob, 64 lower-case hexadecimal digits, or all.") var address: String
    @OptionGroup var options: SettingsOptions

    func validate() throws {
        guard address == "all" || BlobAddress(hex: address) != nil else {
            throw ValidationError(
                "\"\(address)\" is not an address; expected 64 lower-case hexadecimal digits, or all, as the first"
                    + " argument.")
        }
    }

    func run() async throws {
        let dropped = try await EdgeControl.ask(
            try options.load(.edge, for: Self.self), ControlRequest(drop: address), \.dropped)
        StandardOutput.write("\(dropped) dropped")
    }
}

/// Asks a running edge.
enum EdgeControl {
    static func ask<Report>(
        _ settings: ServerSettings, _ request: ControlRequest, _ report: (ControlReply) -> Report?
    ) async throws -> Report {
        let socket = "\(settings.cache.path)/control.sock"
        let reply: ControlReply
        do { reply = try await ControlClient.ask(request, at: socket) { _ in } } catch {
            throw ExitStatus.failure("no edge answers at \(socket): \(error)", .temporary)
        }
        guard let report = report(reply) else {
            throw ExitStatus.failure(reply.error ?? "the edge sent no report", .inputOutput)
        }
        return report
    }
}

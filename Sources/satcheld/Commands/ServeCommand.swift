import ArgumentParser
import BlobHTTP
import Logging
import NIOPosix
import ServiceLifecycle

/// `satcheld serve`: the origin of one store, until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serves a store over HTTP.", discussion: SettingsHelp.text)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try await options.load()
        let refusal = AnonymousMode.refusal(
            listening: settings.server.listen, publicURL: settings.server.publicURL,
            allowsAnyone: settings.server.allowsAnonymousUploads)
        if let refusal { throw ExitStatus.failure(refusal, ExitStatus.configuration) }
        LoggingSystem.bootstrap { _ in LogLines(level: settings.logLevel) }
        let logger = Logger(label: "satcheld")
        let openFiles = ProcessLimits.raiseOpenFiles()
        logger.info("Starting", metadata: ["open_files_limit": "\(openFiles)"])
        try await Origin.run(Self.fit(settings, openFiles: openFiles, logger: logger), logger: logger)
    }

    /// Every connection may hold a blob open besides itself, and the store needs some files too.
    private static func fit(_ settings: ServerSettings, openFiles: UInt64, logger: Logger) -> ServerSettings {
        let most = Int(clamping: (max(openFiles, 512) - 256) / 2)
        guard settings.server.connectionLimit > most else { return settings }
        logger.info("Fewer connections than set, for want of open files", metadata: ["connections": "\(most)"])
        var fitted = settings
        fitted.server.connectionLimit = most
        return fitted
    }
}

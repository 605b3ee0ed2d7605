import ArgumentParser
import BlobHTTP
import Logging
import NIOCore
import ServiceLifecycle
import Vault

/// `satcheld serve`: serves one store until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serves a store over HTTP.", discussion: SettingsOptions.help)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        var settings = try options.load()
        if let refusal = Self.refusal(settings) { throw ExitStatus.failure(refusal, .configuration) }
        settings.server.tickets = try await TicketKeyring.verifier(settings)
        settings.server.identity = try TLSFiles.identity(settings)
        let logLevel = settings.logLevel
        LoggingSystem.bootstrap { _ in LogLines(level: logLevel) }
        let logger = Logger(label: "satcheld")
        let openFiles = OpenFilesLimit.raise()
        logger.info("Starting", metadata: ["open_files_limit": "\(openFiles)"])
        try await Origin.serve(Self.fit(settings, openFiles: openFiles, logger: logger), logger: logger)
    }

    /// Why the settings do not say clearly who may upload; nil if they do.
    private static func refusal(_ settings: ServerSettings) -> String? {
        let hasKeys = !settings.ticketKeyPaths.isEmpty
        if hasKeys == settings.ticketAudience.isEmpty {
            return "--ticket-keys and --ticket-audience go together: set both, or neither for anonymous mode."
        }
        if hasKeys && settings.server.allowsAnonymousUploads {
            return "--ticket-keys and --allow-anonymous-uploads contradict each other: set only one of them."
        }
        return AnonymousMode.refusal(
            listening: settings.server.listen, publicURL: settings.server.publicURL, hasKeys: hasKeys,
            allowsAnyone: settings.server.allowsAnonymousUploads)
    }

    /// Divides up the files that may be open: 256 for the store, one for each upload under way, at most a quarter of the
    /// rest for cached blobs; the remainder is for connections.
    private static func fit(_ settings: ServerSettings, openFiles: UInt64, logger: Logger) -> ServerSettings {
        let files = Int(clamping: max(openFiles, 512) - 256)
        let ready = min(settings.server.readyFiles * System.coreCount * 2, files / 4)
        var fitted = settings
        fitted.server.readyFiles = ready / (System.coreCount * 2)
        fitted.vault.openUploads = min(settings.vault.openUploads, files / 4)
        let most = files - ready - fitted.vault.openUploads
        guard settings.server.connectionLimit > most else { return fitted }
        logger.info("Lowered the connection limit to fit the limit of open files", metadata: ["connections": "\(most)"])
        fitted.server.connectionLimit = most
        return fitted
    }
}

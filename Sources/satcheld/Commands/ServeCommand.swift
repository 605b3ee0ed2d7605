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
        logger.info("Starting", metadata: ["open_files_limit": "\(ProcessLimits.raiseOpenFiles())"])
        try await Origin.run(settings, logger: logger)
    }
}

import Logging
import ServiceLifecycle
import UnixSignals

/// Opens the access log anew at SIGHUP, as programs that turn logs over expect.
struct AccessLogReopening: Service {
    let file: AccessLogFile
    let logger: Logger

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        for await _ in signals.cancelOnGracefulShutdown() {
            do {
                try file.reopen()
                logger.info("The access log was opened anew")
            } catch {
                logger.error("The access log could not be opened anew", metadata: ["error": "\(error)"])
            }
        }
    }
}

import Logging
import ServiceLifecycle
import UnixSignals

/// Reads again on SIGHUP what an operator may have changed: keys, certificates, log files. Connections go on.
struct Reloading: Service {
    /// One thing that is read again; if that fails, what was read before stays in use.
    struct Part: Sendable {
        /// What it is, as the log names it.
        let name: String
        let readAgain: @Sendable () async throws -> Void
    }

    /// May be none: the signal is taken all the same, since it would end the process.
    let parts: [Part]
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            for part in parts { await readAgain(part) }
            if parts.isEmpty { logger.notice("Nothing is set that could be read again") }
        }
    }

    private func readAgain(_ part: Part) async {
        do {
            try await part.readAgain()
            logger.notice("Read again", metadata: ["what": "\(part.name)"])
        } catch {
            logger.error("Kept as it was", metadata: ["what": "\(part.name)", "error": "\(error)"])
        }
    }
}

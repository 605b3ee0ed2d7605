import ArgumentParser
import Logging
import ServiceLifecycle
import Tickets
import UnixSignals

/// Reads the keys for tickets when the server starts, and again whenever it gets SIGHUP.
struct TicketKeyring: Service {
    let paths: [String]
    /// Who judges by the keys; nil in anonymous mode, where the signal is taken all the same, since it would end the
    /// process.
    let verifier: TicketVerifier?
    let logger: Logger

    /// Who judges tickets by the settings; nil for anonymous mode.
    static func verifier(_ settings: ServerSettings) async throws -> TicketVerifier? {
        guard !settings.ticketKeyPaths.isEmpty else { return nil }
        do {
            let keys = try await TicketKeys.load(settings.ticketKeyPaths)
            return TicketVerifier(keys: keys, audience: settings.ticketAudience)
        } catch {
            throw ExitStatus.failure(error.description, ExitStatus.configuration)
        }
    }

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            await readAgain()
        }
    }

    /// Uploads under way go on: their tickets were judged when they began.
    private func readAgain() async {
        guard let verifier else {
            logger.notice("There is nothing to read again: no keys for tickets are set")
            return
        }
        do {
            let keys = try await TicketKeys.load(paths)
            verifier.replace(keys)
            logger.notice("Keys for tickets were read again", metadata: ["keys": "\(keys.names)"])
        } catch {
            logger.error("Keys for tickets stay as they were", metadata: ["error": "\(error)"])
        }
    }
}

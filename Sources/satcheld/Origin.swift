import ArgumentParser
import BlobHTTP
import DiskStore
import Lifecycle
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals
import Vault

/// The composition of an origin: BlobHTTP over a vault, with its garbage collector beside it. The only place that
/// chooses what is built from what.
enum Origin {
    /// Serves until the process is told to end; requests under way are finished first, as long as the settings allow.
    static func run(_ settings: ServerSettings, logger: Logger) async throws {
        let vault = try await openVault(settings, logger: logger)
        do {
            try await serve(vault, settings, logger: logger)
        } catch {
            await vault.close()
            throw ExitStatus.failure(describe(error, settings), ExitStatus.inputOutput)
        }
        await vault.close()
        logger.info("Ended")
    }

    private static func serve(_ vault: Vault, _ settings: ServerSettings, logger: Logger) async throws {
        let lifecycle = Lifecycle(vault: vault)
        let server = BlobServer(
            store: vault, settings: settings.server, logger: logger,
            upkeep: { Upkeep(heldBack: lifecycle.latestReport?.hold, holdCount: lifecycle.holdCount) }
        ) { listener, bound in
            switch listener {
            case .blobs:
                let url = PublicURL(listeningAt: bound.host, port: bound.port ?? 0)
                if settings.server.publicURL == nil, ["0.0.0.0", "::"].contains(bound.host) {
                    logger.warning("URLs will name no host that clients can reach; set --public-url")
                }
                StandardOutput.write("satcheld: ready at \(url) (storage \(settings.storagePath))")
            case .admin:
                logger.info("Telling health in detail", metadata: ["address": "\(bound)"])
            }
        }
        let control = ControlServer(path: vault.layout.controlSocket, lifecycle: lifecycle, logger: logger)
        let sweeps = SweepService(lifecycle: lifecycle, interval: settings.collectInterval, logger: logger)
        let keyring = TicketKeyring(
            paths: settings.ticketKeyPaths, verifier: settings.server.tickets, logger: logger)
        let services: [any Service] = [control, sweeps, keyring] + server.services
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = settings.shutdownTimeout
        try await ServiceGroup(configuration: configuration).run()
    }

    private static func openVault(_ settings: ServerSettings, logger: Logger) async throws -> Vault {
        do {
            return try await Vault.open(at: settings.storagePath, settings: settings.vault, logger: logger)
        } catch {
            let code = if case .locked = error { ExitStatus.temporary } else { ExitStatus.inputOutput }
            throw ExitStatus.failure(error.description, code)
        }
    }

    /// An address that cannot be bound is the likely mistake; it is told with what to do.
    private static func describe(_ error: any Error, _ settings: ServerSettings) -> String {
        guard let error = error as? IOError else { return "the server failed: \(error)" }
        return "cannot listen at \(settings.server.listen): \(error); choose another with --listen."
    }
}

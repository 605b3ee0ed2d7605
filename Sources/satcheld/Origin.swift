import ArgumentParser
import BlobHTTP
import Blobs
import Catalog
import DiskStore
import Files
import Lifecycle
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Store
import Telemetry
import UnixSignals
import Vault

/// The composition of an origin: BlobHTTP over a vault, with its garbage collector and its metrics beside it. The only place that
/// chooses what is built from what.
enum Origin {
    /// Serves until the process is told to end; requests under way are finished first, as long as the settings allow.
    static func run(_ settings: ServerSettings, logger: Logger) async throws {
        let meters = Meters(codes: Problem.Code.allCases)
        let store = try await openStore(settings, meters: meters, logger: logger)
        do {
            try await serve(store, settings, meters: meters, logger: logger)
        } catch {
            await store.close()
            throw ExitStatus.failure(describe(error, settings), ExitStatus.inputOutput)
        }
        await store.close()
        logger.info("Ended")
    }

    private static func serve(
        _ store: any ResumableStore & Upkeep, _ settings: ServerSettings, meters: Meters, logger: Logger
    ) async throws {
        let access = try accessLog(settings, meters: meters, logger: logger)
        let observer = RequestObserver(meters: meters, accessLog: access?.log)
        let server = BlobServer(
            reads: store, writes: .store(store), settings: settings.server, logger: logger, observer: observer,
            readings: { await Readings.gather(from: store) }, gcStatus: { store.gcStatus }
        ) { listener, bound in
            switch listener {
            case .blobs:
                let url = PublicURL(
                    listeningAt: bound, scheme: settings.server.identity == nil ? .http : .https)
                if settings.server.publicURL == nil, ["0.0.0.0", "::"].contains(bound.host) {
                    logger.warning("URLs will name no host that clients can reach; set --public-url")
                }
                StandardOutput.write("satcheld: ready at \(url) (storage \(settings.storagePath))")
            case .admin:
                logger.info("Telling health in detail", metadata: ["address": "\(bound)"])
            }
        }
        let control = ControlServer(
            path: DiskLayout(root: settings.storagePath).controlSocket, store: store, logger: logger)
        let sweeps = SweepService(store: store, interval: settings.collectInterval, logger: logger)
        let scrubs = ScrubService(
            store: store, bytesPerSecond: settings.scrubBytesPerSecond, interval: settings.scrubInterval,
            logger: logger)
        let parts = [TicketKeyring.reloading(settings), TLSFiles.reloading(settings), access?.reopening]
        let reloading = Reloading(parts: parts.compactMap { $0 }, logger: logger)
        let lag = LoopLagService(group: MultiThreadedEventLoopGroup.singleton, meters: meters)
        var services: [any Service] = [control, sweeps, scrubs, reloading, lag]
        services += (access?.services ?? []) + server.services
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = settings.shutdownTimeout
        try await ServiceGroup(configuration: configuration).run()
    }

    /// The access log with what writes it and opens it anew; nil where none is wanted.
    private static func accessLog(
        _ settings: ServerSettings, meters: Meters, logger: Logger
    ) throws(FileError) -> (log: AccessLog, services: [any Service], reopening: Reloading.Part)? {
        guard settings.accessLog != .off else { return nil }
        let clock = SystemClock()
        let log = AccessLog(meters: meters, now: { clock.wall })
        let file = try AccessLogFile(settings.accessLog)
        return (
            log, [AccessLogService(log: log, file: file, logger: logger)],
            Reloading.Part(name: "access log") { try file.reopen() }
        )
    }

    private static func openStore(
        _ settings: ServerSettings, meters: Meters, logger: Logger
    ) async throws -> any ResumableStore & Upkeep {
        do {
            return try await Vault.open(
                at: settings.storagePath, settings: settings.vault, meters: meters, logger: logger)
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

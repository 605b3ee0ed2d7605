import BlobHTTP
import Blobs
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

/// The composition of an origin server: a store, HTTP in front of it, and its upkeep beside it. The only place that
/// decides what is built from what.
enum Origin {
    /// Opens the store in the folder that the settings name.
    static func openStore(
        _ settings: ServerSettings, meters: Meters = Meters(), logger: Logger
    ) async throws(VaultError) -> any ResumableStore & Upkeep {
        try await Vault.open(at: settings.storagePath, settings: settings.vault, meters: meters, logger: logger)
    }

    /// Serves until the process is told to stop; requests under way are finished first, for as long as the settings
    /// allow.
    static func serve(_ settings: ServerSettings, logger: Logger) async throws {
        let meters = Meters(codes: Problem.Code.allCases)
        let store: any ResumableStore & Upkeep
        do { store = try await openStore(settings, meters: meters, logger: logger) } catch {
            let status: ExitStatus = if case .locked = error { .temporary } else { .inputOutput }
            throw ExitStatus.failure(error.description, status)
        }
        do {
            let services = try services(store, settings, meters: meters, logger: logger)
            try await run(services, settings, logger: logger)
        } catch {
            await store.close()
            throw ExitStatus.failure(describe(error, settings), .inputOutput)
        }
        await store.close()
        logger.info("Stopped")
    }

    private static func services(
        _ store: any ResumableStore & Upkeep, _ settings: ServerSettings, meters: Meters, logger: Logger
    ) throws(FileError) -> [any Service] {
        let access = try accessLog(settings, meters: meters, logger: logger)
        let server = BlobServer(
            reads: store, writes: .store(store), settings: settings.server, logger: logger,
            observer: RequestObserver(meters: meters, accessLog: access?.log),
            readings: { await Readings.gather(from: store) }, gcStatus: { store.gcStatus }
        ) { listener, bound in
            announce(listener, at: bound, settings, logger: logger)
        }
        let control = ControlServer(
            path: DiskLayout(root: settings.storagePath).controlSocket, store: store, logger: logger)
        let sweeps = SweepService(store: store, interval: settings.collectInterval, logger: logger)
        let scrubs = ScrubService(
            store: store, bytesPerSecond: settings.scrubBytesPerSecond, interval: settings.scrubInterval,
            logger: logger, traffic: { meters.requests.sentBytes(route: .blob) })
        let parts = [TicketKeyring.reloading(settings), TLSFiles.reloading(settings), access?.reopening]
        let reloading = Reloading(parts: parts.compactMap { $0 }, logger: logger)
        let lag = LoopLagService(group: MultiThreadedEventLoopGroup.singleton, meters: meters)
        // In this order they start; they stop in the reverse order.
        let upkeep: [any Service] = [control, sweeps, scrubs, reloading, lag]
        return upkeep + (access.map { [$0.writer] } ?? []) + server.services
    }

    private static func run(_ services: [any Service], _ settings: ServerSettings, logger: Logger) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = settings.shutdownTimeout
        try await ServiceGroup(configuration: configuration).run()
    }

    /// The access log, its writer, and what reopens its file; nil if it is off.
    private static func accessLog(
        _ settings: ServerSettings, meters: Meters, logger: Logger
    ) throws(FileError) -> (log: AccessLog, writer: AccessLogWriter, reopening: Reloadable)? {
        guard settings.accessLog != .off else { return nil }
        let clock = SystemClock()
        let log = AccessLog(meters: meters, now: { clock.wall })
        let file = try AccessLogFile(settings.accessLog)
        return (
            log, AccessLogWriter(log: log, file: file, logger: logger),
            Reloadable(name: "access log") { try file.reopen() }
        )
    }

    private static func announce(
        _ listener: BlobServer.Listener, at bound: Authority, _ settings: ServerSettings, logger: Logger
    ) {
        switch listener {
        case .blobs:
            let url = PublicURL(
                listeningAt: bound, scheme: settings.server.identity == nil ? .http : .https)
            if settings.server.publicURL == nil, ["0.0.0.0", "::"].contains(bound.host) {
                logger.warning("Clients cannot reach the host named in URLs; set --public-url")
            }
            StandardOutput.write("satcheld: ready at \(url) (storage \(settings.storagePath))")
        case .admin:
            logger.info("Serving metrics and detailed health", metadata: ["address": "\(bound)"])
        }
    }

    /// The likely mistake is an address that cannot be bound; its description says what to do.
    private static func describe(_ error: any Error, _ settings: ServerSettings) -> String {
        guard let error = error as? IOError else { return "the server failed: \(error)" }
        return "cannot listen at \(settings.server.listen): \(error); choose another address with --listen."
    }
}

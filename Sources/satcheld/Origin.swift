import BlobHTTP
import Blobs
import DiskStore
import Edge
import Files
import FoundationEssentials
import Glibc
import Lifecycle
import Logging
import NIOCore
import NIOPosix
import OriginLink
import ServiceLifecycle
import Store
import Telemetry
import Tickets
import UnixSignals
import Vault

/// The composition of an origin server: a store, HTTP in front of it, and its upkeep beside it. The only place that
/// decides what is built from what.
enum Origin {
    /// Opens the store that the settings name: on this disk, or as a node of one that is shared.
    static func openStore(
        _ settings: ServerSettings, meters: Meters, logger: Logger
    ) async throws(StoreFailure) -> any LeaseStore & Upkeep & ChangeFeed {
        if settings.isShared {
            return try await SharedNode.open(
                settings, cachePath: settings.shared.cachePath, meters: meters, logger: logger)
        }
        do throws(VaultError) {
            return try await Vault.open(
                at: settings.storagePath, settings: settings.vault, meters: meters, logger: logger)
        } catch {
            throw StoreFailure(error)
        }
    }

    /// Serves until the process is told to stop; requests under way are finished first, for as long as the settings
    /// allow.
    static func serve(_ settings: ServerSettings, logger: Logger) async throws {
        let meters = Meters(
            codes: Problem.Code.allCases, edge: settings.drain.isEmpty ? nil : EdgeMeters(),
            node: settings.isShared ? SharedNode.meters() : nil)
        try await Running.requireFreeAddresses(settings)
        let store: any LeaseStore & Upkeep & ChangeFeed
        do { store = try await openStore(settings, meters: meters, logger: logger) } catch {
            throw ExitStatus.failure(error.description, error.status)
        }
        let drained: EdgeStore?
        do throws(StoreFailure) {
            drained = try DrainedServer.open(settings, changes: store.changes, meters: meters.edge, logger: logger)
        } catch {
            await store.close()
            throw ExitStatus.failure(error.description, error.status)
        }
        do {
            let services = try services(store, drained, settings, meters: meters, logger: logger)
            try await Running.run(services, settings, logger: logger)
        } catch {
            await close(store, drained, settings, logger: logger)
            throw Running.failure(error, settings)
        }
        await close(store, drained, settings, logger: logger)
        logger.info("Stopped")
    }

    private static func close(
        _ store: any LeaseStore & Upkeep, _ drained: EdgeStore?, _ settings: ServerSettings, logger: Logger
    ) async {
        do throws(FileError) { try settings.localTicket?.removeFile() } catch {
            logger.warning("The local ticket could not be removed", metadata: ["error": "\(error)"])
        }
        await drained?.close()
        await store.close()
    }

    private static func services(
        _ store: any LeaseStore & Upkeep & ChangeFeed, _ drained: EdgeStore?, _ settings: ServerSettings,
        meters: Meters, logger: Logger
    ) throws(SettingsError) -> [any Service] {
        let access = try Running.accessLog(settings, meters: meters, logger: logger)
        let reads: any BlobStore & ChangeFeed = drained.map { DrainingStore(store, drainingFrom: $0) } ?? store
        let server = BlobServer(
            reads: reads, writes: .store(store), changes: reads,
            drained: drained?.forwarder(
                clientAddressField: settings.server.proxies.field, requestLimit: settings.drain.link.connections),
            settings: settings.server, logger: logger,
            observer: RequestObserver(meters: meters, accessLog: access?.log),
            readings: {
                var readings = await Readings.gather(from: store)
                readings.edge = drained?.readings()
                return readings
            }, gcStatus: { store.gcStatus }
        ) { listener, bound in
            try announce(listener, at: bound, settings, logger: logger)
        }
        let control = ControlServer(
            path: settings.controlSocket,
            perform: { (request, progress) async throws(StoreError) in
                try await request.perform(on: store, progress: progress)
            }, logger: logger)
        let sweeps = SweepService(store: store, interval: settings.collectInterval, logger: logger)
        let scrubs = ScrubService(
            store: store, bytesPerSecond: settings.scrubRate, interval: settings.scrubInterval,
            logger: logger, traffic: { meters.requests.sentBytes(route: .blob) })
        let parts = [
            TicketKeyring.reloading(settings), EdgeKeyring.reloading(settings, logger: logger),
            SlotKeyring.reloading(settings, logger: logger), ObjectKeyring.reloading(settings),
            TLSFiles.reloading(settings),
            access?.reopening,
        ]
        let reloading = Reloading(parts: parts.compactMap { $0 }, logger: logger)
        let lag = LoopLagService(group: MultiThreadedEventLoopGroup.singleton, meters: meters)
        // In this order they start; they stop in the reverse order.
        let upkeep: [any Service] = [control, sweeps, scrubs, reloading, lag]
        return upkeep + (drained?.services ?? []) + (access.map { [$0.writer] } ?? []) + server.services
    }

    private static func announce(
        _ listener: BlobServer.Listener, at bound: Authority, _ settings: ServerSettings, logger: Logger
    ) throws(FileError) {
        switch listener {
        case .blobs:
            let url = Running.url(at: bound, settings)
            if settings.server.publicURL == nil, ["0.0.0.0", "::"].contains(bound.host) {
                logger.warning("Clients cannot reach the host named in URLs; set --public-url")
            }
            let ticket = try writeLocalTicket(at: bound, settings).map { ", ticket \($0)" } ?? ""
            let place = settings.server.publicURL.map { "for clients \($0), " } ?? ""
            let storage =
                settings.shared.objects.map { "objects \($0), cache \(settings.shared.cachePath)" }
                ?? "storage \(settings.storagePath)"
            let drained = settings.drain.isEmpty ? "" : ", draining \(settings.drain.names)"
            StandardOutput.write("satcheld: ready at \(url) (\(place)\(storage)\(drained)\(ticket))")
            if StandardOutput.isTerminal, let link = sendLink(below: settings.server.publicURL ?? url, settings) {
                StandardOutput.write("satcheld: to send a file from a browser, open \(link)")
            }
        case .admin:
            logger.info("Serving metrics and detailed health", metadata: ["address": "\(bound)"])
        }
    }

    /// Where a browser sends files without being given a ticket first; nil where there is no such place. It may hold the
    /// local ticket, so it is for a person's terminal and for nothing that is kept.
    private static func sendLink(below url: PublicURL, _ settings: ServerSettings) -> String? {
        guard settings.server.pages == .openAndSend else { return nil }
        if settings.allowsAnonymousUploads { return "\(url)/send" }
        return settings.localTicket?.link(to: "\(url)/send")
    }

    /// The full path of the local ticket; nil where there is none.
    private static func writeLocalTicket(
        at bound: Authority, _ settings: ServerSettings
    ) throws(FileError) -> String? {
        guard let ticket = settings.localTicket, let address = IPAddress(bound.host), let port = bound.port else {
            return nil
        }
        let environment = ProcessInfo.processInfo.environment
        let path = try ticket.write(address: address, port: port, storage: settings.storagePath) { environment[$0] }
        return path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    }
}

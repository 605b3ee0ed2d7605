import BlobHTTP
import Blobs
import CacheFolder
import Edge
import Files
import Logging
import NIOCore
import NIOPosix
import OriginLink
import ServiceLifecycle
import Store
import StoreParts
import Telemetry
import UnixSignals
import Vault

/// The composition of an edge: a cache in front of an origin, HTTP in front of that, and its upkeep beside it.
enum EdgeServer {
    /// Serves until the process is told to stop; requests under way are finished first.
    static func serve(_ settings: ServerSettings, key: String?, logger: Logger) async throws {
        try await Running.requireFreeAddresses(settings)
        let edgeMeters = EdgeMeters()
        let meters = Meters(codes: Problem.Code.allCases, edge: edgeMeters)
        let clock = SystemClock()
        var origin = EdgeOrigin(addresses: settings.cache.origins, key: key)
        origin.link = settings.cache.link
        if key == nil {
            logger.notice(
                "Without an edge-key nothing is heard of what is revoked",
                metadata: ["served for": "\(settings.cache.edge.maximumAge)"])
        }
        let store: EdgeStore
        do throws(CacheFolderError) {
            store = try EdgeStore.open(
                at: settings.cache.path, name: settings.cache.name.isEmpty ? nil : settings.cache.name, origin: origin,
                settings: settings.cache.edge, meters: edgeMeters,
                clock: EdgeClock(boot: clock.boot) { clock.wall }, logger: logger)
        } catch {
            let status: ExitStatus = if case .inUse = error { .temporary } else { .inputOutput }
            throw ExitStatus.failure(error.description, status)
        }
        do {
            try await Running.run(
                try services(store, settings, meters: meters, logger: logger), settings, logger: logger)
        } catch {
            await store.close()
            throw Running.failure(error, settings)
        }
        await store.close()
        logger.info("Stopped")
    }

    private static func services(
        _ store: EdgeStore, _ settings: ServerSettings, meters: Meters, logger: Logger
    ) throws(SettingsError) -> [any Service] {
        let access = try Running.accessLog(settings, meters: meters, logger: logger)
        var serverSettings = settings.server
        serverSettings.cacheSeconds = settings.cache.edge.maximumAge.seconds
        serverSettings.fetchLimit = min(settings.cache.edge.fills, settings.cache.link.connections)
        let server = BlobServer(
            reads: store,
            writes: store.writes(
                clientAddressField: settings.server.proxies.field, requestLimit: settings.cache.link.connections),
            changes: store, settings: serverSettings, logger: logger,
            observer: RequestObserver(meters: meters, accessLog: access?.log),
            readings: { await Readings.gather(from: store) }, gcStatus: { GCStatus() }
        ) { listener, bound in
            switch listener {
            case .blobs:
                let url = Running.url(at: bound, settings)
                let origin = settings.cache.origins.map(\.description).joined(separator: ", ")
                StandardOutput.write(
                    "satcheld: ready at \(url) (edge \(store.name) of \(origin), cache \(settings.cache.path))")
            case .admin: logger.info("Serving metrics and detailed health", metadata: ["address": "\(bound)"])
            }
        }
        let control = ControlServer(
            path: store.controlSocket,
            perform: { (request, _) async throws(StoreError) in await request.perform(on: store) }, logger: logger)
        let parts = [
            EdgeKeyring.reloadingOwn(settings, of: store), EdgeKeyring.reloading(settings, logger: logger),
            OriginRoots.reloading(settings), TLSFiles.reloading(settings), access?.reopening,
        ]
        let reloading = Reloading(parts: parts.compactMap { $0 }, logger: logger)
        let lag = LoopLagService(group: MultiThreadedEventLoopGroup.singleton, meters: meters)
        return [control, reloading, lag] + store.services + (access.map { [$0.writer] } ?? []) + server.services
    }
}

extension Readings {
    static func gather(from store: EdgeStore) async -> Readings {
        var readings = Readings()
        readings.edge = store.readings()
        readings.process =
            (try? await NIOThreadPool.singleton.runIfActive { ProcessReadings.now() }) ?? ProcessReadings()
        return readings
    }
}

extension ControlRequest {
    /// Does what is asked of an edge.
    func perform(on store: EdgeStore) async -> ControlReply {
        if cache == true { return ControlReply(cache: CacheReport(store.readings(), name: store.name)) }
        if health == true { return ControlReply(health: HealthReport(unreadiness: await store.unreadiness())) }
        if let drop {
            if drop == "all" { return ControlReply(dropped: store.drop()) }
            guard let address = BlobAddress(hex: drop) else { return ControlReply(error: "\(drop) is no address") }
            return ControlReply(dropped: store.drop(address))
        }
        return ControlReply(error: "this is an edge, which keeps nothing of its own")
    }
}

/// What an edge has, for whoever asks on the command line.
struct CacheReport: Codable {
    let name: String
    let blobs: Int
    let bytes: Int64
    /// Seconds since the change feed was heard; absent without one, and before.
    let feedAge: Double?
    let diskFailures: Int

    private enum CodingKeys: String, CodingKey {
        case name, blobs, bytes
        case feedAge = "feed_age"
        case diskFailures = "disk_failures"
    }

    init(_ readings: EdgeReadings, name: String) {
        self.name = name
        blobs = readings.blobs
        bytes = readings.bytes
        feedAge = readings.feedAgeSeconds
        diskFailures = readings.diskFailures
    }

    var text: String {
        let feed = feedAge.map { "heard \(Int($0)) s ago" } ?? "none"
        return """
            edge        \(name)
            cached      \(blobs) blobs, \(ByteCount.text(bytes))
            feed        \(feed)
            disk        \(diskFailures) failures
            """
    }
}

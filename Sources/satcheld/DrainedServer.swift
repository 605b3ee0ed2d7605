import BlobHTTP
import Blobs
import CacheFolder
import Edge
import Logging
import OriginLink
import Store
import StoreParts
import Telemetry
import Tickets
import Vault

/// The server that this one takes over from, seen as an edge sees its origin.
enum DrainedServer {
    /// What the settings say about it, with its key and whoever vouches for it.
    static func prepared(_ settings: ServerSettings) throws(SettingsError) -> DrainSettings {
        var drain = settings.drain
        if !drain.keyPath.isEmpty {
            do { drain.key = try EdgeKey.load(drain.keyPath).base64url } catch {
                throw settings.error("drain-key", error.description)
            }
        }
        if drain.origins.contains(where: { $0.origin.scheme == .https }) {
            do throws(OriginTrustError) { drain.link.trust = try OriginTrust(rootsPath: nil) } catch {
                throw settings.error("drain-from", error.description)
            }
        }
        return drain
    }

    /// Opens the cache of it; nil where no server is drained. Whoever follows `changes` hears of what ends there.
    static func open(
        _ settings: ServerSettings, changes: ChangeRing, meters: EdgeMeters?, logger: Logger
    ) throws(StoreFailure) -> EdgeStore? {
        guard !settings.drain.isEmpty, let meters else { return nil }
        var origin = EdgeOrigin(addresses: settings.drain.origins, key: settings.drain.key)
        origin.link = settings.drain.link
        var edge = EdgeSettings()
        edge.maximumAge = Lifetime(seconds: settings.server.cacheSeconds) ?? edge.maximumAge
        edge.cacheBytes = settings.drain.cacheBytes
        let clock = SystemClock()
        logger.notice(
            "Draining another server: what this store does not know is asked for there",
            metadata: ["server": "\(settings.drain.names)"])
        if settings.drain.key == nil {
            logger.notice(
                "Without a drain-key nothing is heard of what ends there",
                metadata: ["served for": "\(edge.maximumAge)"])
        }
        do throws(CacheFolderError) {
            return try EdgeStore.open(
                at: settings.drainFolder, name: nil, origin: origin, settings: edge, meters: meters, changes: changes,
                clock: EdgeClock(boot: clock.boot) { clock.wall }, logger: logger)
        } catch {
            let status: ExitStatus = if case .inUse = error { .temporary } else { .inputOutput }
            throw StoreFailure(error.description, status)
        }
    }
}

extension DrainSettings {
    /// Its names, for people.
    var names: String { origins.map(\.description).joined(separator: ", ") }
}

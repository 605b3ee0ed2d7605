import BlobFiles
package import BlobHTTP
package import Blobs
package import CacheFolder
package import HTTPTypes
package import Logging
package import OriginLink
package import ServiceLifecycle
package import Store
import Synchronization
package import Telemetry

/// What an edge stands in front of.
package struct EdgeOrigin: Sendable {
    /// Names of one store, in the order in which they are tried; at least one.
    package var addresses: [OriginAddress]
    /// The edge key; nil for an origin that gave none, and then there is no change feed.
    package var key: String?
    package var link = OriginClientSettings()

    package init(addresses: [OriginAddress], key: String? = nil) {
        self.addresses = addresses
        self.key = key
    }
}

/// The clocks of the machine, as an edge needs them.
package struct EdgeClock: Sendable {
    package let wall: @Sendable () -> Timestamp
    /// Tells one run of the machine from the next.
    package let boot: String

    package init(boot: String, wall: @escaping @Sendable () -> Timestamp) {
        self.boot = boot
        self.wall = wall
    }
}

extension EdgeMeters {
    /// With a counter for every kind of failure.
    package convenience init() {
        self.init(
            originErrors: OriginFailure.allCases.map(\.rawValue),
            evictions: DiskCache.Departure.allCases.map(\.rawValue))
    }
}

extension EdgeStore {
    /// Opens the cache in the folder at `path`, with what is in it.
    ///
    /// - Parameters:
    ///   - name: the edge's name in fields; nil for the one that is kept in the folder, at first a random one.
    ///   - changes: where what the origin's feed tells is added to.
    package static func open(
        at path: String, name: String?, origin: EdgeOrigin, settings: EdgeSettings, meters: EdgeMeters,
        changes: ChangeRing = ChangeRing(), clock: EdgeClock, logger: Logger
    ) throws(CacheFolderError) -> EdgeStore {
        let folder = try CacheFolder(
            path, origin: "\(origin.addresses[0])", name: name, boot: clock.boot, logger: logger)
        let clients = origin.addresses.map { OriginClient($0, settings: origin.link, logger: logger) }
        let origins = Origins(clients, name: folder.name, key: origin.key, wall: clock.wall) {
            meters.originErrors.add(for: $0.rawValue)
        }
        let cache = DiskCache(
            folder, of: origins, limits: .init(bytes: settings.cacheBytes, keepFreeBytes: settings.keepFreeBytes),
            threads: BlockingPool(threads: settings.threads)
        ) { meters.evictions.add(for: $0.rawValue) }
        let saved = cache.restore()
        let feed = origin.key.map { _ in FeedState() }
        if let saved { feed?.restore(saved) }
        return EdgeStore(
            cache: cache, origins: origins, settings: settings, feed: feed, meters: meters, changes: changes,
            wall: clock.wall, logger: logger)
    }

    /// What becomes of requests that are no reads: at most `requestLimit` at once are passed on, which clients share.
    /// `clientAddressField` is the one that the origin reads.
    package func writes(clientAddressField: HTTPField.Name, requestLimit: Int) -> WriteAccess {
        guard settings.passesUploads else { return .refused }
        return .forwarded(forwarder(clientAddressField: clientAddressField, requestLimit: requestLimit))
    }

    /// Takes requests to the origin, as `writes` says.
    package func forwarder(clientAddressField: HTTPField.Name, requestLimit: Int) -> any RequestForwarder {
        OriginForwarder(
            origins: origins, name: name, clientAddressField: clientAddressField,
            shares: ClientShares(limit: requestLimit), copies: UploadCopies(store: self)
        ) { address in self.mark(AddressPrefix(address)) }
    }

    /// The edge's name in fields.
    package var name: String { cache.folder.name }

    /// The socket through which other processes of the same user reach it.
    package var controlSocket: String { cache.folder.controlSocket }

    /// Shows the origin another key from now on. The feed begins anew with it, so that what the origin makes of it is heard
    /// at once.
    package func use(key: String) { origins.key = key }

    /// What has to run while the edge serves.
    package var services: [any Service] {
        let reader = feed.map { FeedReader(store: self, feed: $0, logger: logger) as any Service }
        return [EdgeUpkeep(store: self, logger: logger)] + [reader].compactMap(\.self)
    }

    package func readings() -> EdgeReadings {
        let (blobs, bytes) = cache.holdings
        let age = feed?.age.map { Double($0.components.seconds) + Double($0.components.attoseconds) / 1e18 }
        return EdgeReadings(
            blobs: blobs, bytes: bytes, feedAgeSeconds: age, diskFailures: cache.folder.failureCount)
    }

    /// Forgets one blob, or all, those on their way among them; returns how many there were.
    package func drop(_ address: BlobAddress? = nil) -> Int {
        let all =
            address.map { [$0] }
            ?? Set(cache.addresses).union(fills.addresses).union(arrivals.addresses)
            .union(questions.withLock { Array($0.keys) })
        var count = 0
        for address in all {
            let isHere = cache.entry(of: address) != nil
            let fill = fills.remove(address)?.fill
            let isArriving = arrivals.remove(address)
            cache.forget(address, because: .ended)
            fill?.giveUp()
            expire(address)
            // What is being asked about it is confirmed before its use.
            if questions.withLock({ $0.removeValue(forKey: address) }) != nil {
                fills.mark(AddressPrefix(address), at: now())
            }
            if isHere || fill != nil || isArriving { count += 1 }
        }
        return count
    }

    /// Ends what is under way, and saves what is here.
    package func close() async {
        changes.close()
        for fill in fills.takeAll() { fill.giveUp() }
        await save()
        await origins.close()
        await cache.threads.shutDown()
    }
}

import Blobs
import CacheFolder
import Logging
import ServiceLifecycle
import Store
import Telemetry

/// What an edge does by itself now and then: drops what nobody wants, checks large blobs, and saves its index.
struct EdgeUpkeep: Service {
    /// Blocks of a blob on its way that nobody has read stay for so long.
    private static let patience = Duration.seconds(600)

    let store: EdgeStore
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await store.cache.tend(
                DiskCache.Tending(
                    now: { store.now() }, checkedBytesPerSecond: store.settings.scrubBytesPerSecond,
                    tidy: {
                        let fills = store.fills.takeIdle(
                            after: Self.patience, limitBytes: store.settings.cacheBytes / 10)
                        for fill in fills { fill.giveUp() }
                    }, save: { await store.save() },
                    onRotten: { address in
                        store.meters.countWrongDigest(.disk)
                        logger.error(
                            "A blob of the cache had rotted; it is fetched again",
                            metadata: ["blob": "\(address.abbreviated)"])
                    }))
        }
    }
}

import Blobs
import CacheFolder
import Logging
import ServiceLifecycle
import Store
import Telemetry

/// What an edge does by itself now and then: drops what nobody wants, checks large blobs, and saves its index.
struct EdgeUpkeep: Service {
    private static let pause = Duration.seconds(1)
    private static let roundsBetweenSnapshots = 60
    /// Blocks of a blob on its way that nobody has read stay for so long.
    private static let patience = Duration.seconds(600)
    /// Entries that are looked at in each round.
    private static let examined = 20_000

    let store: EdgeStore
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await store.cache.reconcile { store.now() }
            var rounds = 0
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.pause)
                if Task.isCancelled { return }
                rounds += 1
                await tidy()
                if rounds % Self.roundsBetweenSnapshots == 0 { await store.save() }
            }
        }
    }

    private func tidy() async {
        for address in store.cache.due(at: store.now(), examining: Self.examined) {
            store.cache.forget(address, because: .ended)
        }
        for fill in store.fills.takeIdle(after: Self.patience, limitBytes: store.settings.cacheBytes / 10) {
            fill.giveUp()
        }
        await check()
    }

    /// Hashes as many bytes of large blobs as the settings allow for a round.
    private func check() async {
        let budget = store.settings.scrubBytesPerSecond
        guard budget > 0 else { return }
        for damaged in await store.cache.check(upTo: budget) {
            store.meters.countWrongDigest(.disk)
            logger.error(
                "A blob of the cache had rotted; it is fetched again", metadata: ["blob": "\(damaged.abbreviated)"])
        }
    }
}

import Lifecycle
import NIOPosix
import Telemetry
import Vault

/// Looks up, when somebody asks for metrics, what was not counted as it happened.
struct ReadingsGatherer: Sendable {
    let vault: Vault
    let lifecycle: Lifecycle

    func gather() async -> Readings {
        var readings = Readings()
        // A store that cannot be read is a reason to tell the rest all the more.
        readings.store = try? await vault.readings()
        readings.writing = vault.writingReadings
        readings.collection.isHeldBack = lifecycle.latestReport?.hold != nil
        readings.process =
            (try? await NIOThreadPool.singleton.runIfActive { ProcessReadings.now() }) ?? ProcessReadings()
        return readings
    }
}

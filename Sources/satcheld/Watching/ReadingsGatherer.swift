import NIOPosix
import Store
import Telemetry

extension Readings {
    /// Looks up what is not counted as it happens. A store that cannot be read is all the more reason to report the
    /// rest.
    static func gather(from store: any Upkeep) async -> Readings {
        var readings = Readings()
        readings.store = try? await store.readings()
        readings.writing = store.writeStatus
        readings.isGCHeldBack = store.gcStatus.heldBack != nil
        readings.process =
            (try? await NIOThreadPool.singleton.runIfActive { ProcessReadings.now() }) ?? ProcessReadings()
        return readings
    }
}

package import Blobs
import Files
import Glibc
package import StoreRules

/// Where a store gets its time from.
package protocol StoreClock: Sendable {
    /// What the wall clock says; it may be set forward and back.
    var wall: Timestamp { get }
    /// Seconds since the machine started, counted on while it sleeps; nobody can set it.
    var monotonicSeconds: Int64 { get }
    /// Names the life of the machine that `monotonicSeconds` counts from.
    var boot: String { get }
}

extension StoreClock {
    /// All of it at one moment.
    package var reading: ClockReading {
        ClockReading(wall: wall, monotonicSeconds: monotonicSeconds, boot: boot)
    }
}

/// The clocks of the machine: CLOCK_REALTIME and CLOCK_BOOTTIME (clock_gettime(2)).
package struct SystemClock: StoreClock {
    package let boot: String

    package init() {
        boot = Self.bootIdentity() ?? "unknown"
    }

    package var wall: Timestamp { Timestamp(seconds: Self.seconds(CLOCK_REALTIME)) }

    package var monotonicSeconds: Int64 { Self.seconds(CLOCK_BOOTTIME) }

    private static func seconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // Safe: the call writes one timespec that this call owns. These two clocks are always there.
        let result = unsafe clock_gettime(clock, &time)
        precondition(result == 0, "Linux has CLOCK_REALTIME and CLOCK_BOOTTIME")
        return Int64(time.tv_sec)
    }

    private static func bootIdentity() -> String? {
        guard let file = try? OpenFile("/proc/sys/kernel/random/boot_id", .read) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 64)
        guard let count = try? file.read(into: &buffer) else { return nil }
        return String(decoding: buffer.prefix(count).prefix { $0 > 0x20 }, as: UTF8.self)
    }
}

import Files
import Glibc
import NIOCore
import NIOPosix
import ServiceLifecycle
import SharedStore
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
        if let node = store as? SharedStore { readings.node = await node.nodeReadings() }
        readings.process =
            (try? await NIOThreadPool.singleton.runIfActive { ProcessReadings.now() }) ?? ProcessReadings()
        return readings
    }
}

extension ProcessReadings {
    /// From proc(5) and getrusage(2); what cannot be read is 0.
    static func now() -> ProcessReadings {
        var readings = ProcessReadings()
        readings.residentBytes = residentBytes() ?? 0
        var count = 0
        try? Folder.forEachName(in: "/proc/self/fd") { _ throws(FileError) in count += 1 }
        // One of them is the folder itself, being read.
        readings.openFiles = max(0, count - 1)
        readings.openFilesLimit = Int(clamping: OpenFilesLimit.current)
        readings.processorSeconds = processorSeconds()
        return readings
    }

    /// The second number of `/proc/self/statm` is resident pages.
    private static func residentBytes() -> Int64? {
        guard let file = try? OpenFile("/proc/self/statm", .read) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 256)
        guard let count = try? file.read(into: &buffer) else { return nil }
        let words = String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = Int64(words[1]) else { return nil }
        let (bytes, overflow) = pages.multipliedReportingOverflow(by: Int64(sysconf(Int32(_SC_PAGESIZE))))
        return overflow ? nil : bytes
    }

    private static func processorSeconds() -> Double {
        var usage = rusage()
        // Safe: the call writes exactly this structure.
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        return seconds + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}

/// How many files this process may have open. Each connection and each blob being read is one.
enum OpenFilesLimit {
    /// The limit in effect; 0 if it is not known.
    static var current: UInt64 {
        var limit = rlimit()
        // Safe: the call writes exactly this structure.
        let result = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return result == 0 ? UInt64(limit.rlim_cur) : 0
    }

    /// Raises the limit as far as the system allows, and returns it.
    static func raise() -> UInt64 {
        var limit = rlimit()
        // Safe: both calls read or write exactly this structure.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_cur)
    }
}

/// Measures once a second how late each event loop runs what is due: a blocked loop is late for everyone.
struct LoopLagService: Service {
    let group: any EventLoopGroup
    let meters: Meters

    private static let interval = Duration.seconds(1)

    func run() async throws {
        let loops = Array(group.makeIterator())
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                for loop in loops { probe(loop) }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Schedules a task for 10 ms from now, and records how late it ran.
    private func probe(_ loop: any EventLoop) {
        let due = NIODeadline.now() + .milliseconds(10)
        loop.scheduleTask(deadline: due) { [meters] in
            meters.loopLag.record(max(0, Int((NIODeadline.now() - due).nanoseconds)))
        }
    }
}

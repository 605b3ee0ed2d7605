import Files
import Glibc
import Telemetry

extension ProcessReadings {
    /// As proc(5) and getrusage(2) tell it; what cannot be read stays 0.
    static func now() -> ProcessReadings {
        var readings = ProcessReadings()
        readings.residentBytes = residentBytes() ?? 0
        var count = 0
        try? Folder.forEachName(in: "/proc/self/fd") { _ throws(FileError) in count += 1 }
        // One of them is the folder itself, being read.
        readings.openFiles = max(0, count - 1)
        readings.openFilesLimit = Int(clamping: ProcessLimits.openFiles)
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

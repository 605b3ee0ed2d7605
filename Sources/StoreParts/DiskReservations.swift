package import Files
package import Store
import Synchronization

/// Disk space promised to uploads: the space for announced bytes is reserved before the first one arrives.
package final class DiskReservations: Sendable {
    /// How often the disk is asked where others give back in between.
    private static let tries = 4

    private let keepFreeBytes: Int64
    private let freeBytes: @Sendable () throws(FileError) -> Int64
    /// Bytes ever promised. Both counts may wrap around; their difference does not.
    private let promised = Atomic<Int64>(0)
    /// Of those, bytes that were written or given back.
    private let settled = Atomic<Int64>(0)

    package init(keepFreeBytes: Int64, freeBytes: @escaping @Sendable () throws(FileError) -> Int64) {
        self.keepFreeBytes = keepFreeBytes
        self.freeBytes = freeBytes
    }

    /// Bytes that are reserved at once for an upload of unknown length of which `written` bytes are there: as many again,
    /// from 256 KiB to 16 MiB.
    package static func step(after written: Int64) -> Int64 { min(max(written, 256 << 10), 16 << 20) }

    /// Whether `bytes` more fit on a disk with `free` bytes, of which some are promised and some must stay free.
    package static func fits(_ bytes: Int64, free: Int64, promised: Int64, kept: Int64) -> Bool {
        let (spoken, overflow) = promised.addingReportingOverflow(kept)
        guard promised >= 0, !overflow, free > spoken else { return false }
        return bytes <= free - spoken
    }

    /// Promises `bytes`, or throws `.diskFull`.
    package func reserve(_ bytes: Int64) throws(StoreError) {
        for _ in 0..<Self.tries {
            // Read before the disk is asked: what others write in between still counts as promised.
            let settled = settled.load(ordering: .acquiring)
            let free = try storeErrors { () throws(FileError) in try freeBytes() }
            if promise(bytes, ofFree: free, settled: settled) { return }
            // What others gave back in between counted too.
            if settled == self.settled.load(ordering: .acquiring) { break }
        }
        throw .diskFull
    }

    private func promise(_ bytes: Int64, ofFree free: Int64, settled: Int64) -> Bool {
        var promised = promised.load(ordering: .relaxed)
        while Self.fits(bytes, free: free, promised: promised &- settled, kept: keepFreeBytes) {
            let (isDone, current) = self.promised.weakCompareExchange(
                expected: promised, desired: promised &+ bytes, ordering: .relaxed)
            if isDone { return true }
            promised = current
        }
        return false
    }

    /// Adds `bytes` to what is promised, without asking the disk: negative as they are written or given back, positive
    /// where they were promised before.
    package func adjust(by bytes: Int64) {
        if bytes > 0 {
            promised.wrappingAdd(bytes, ordering: .relaxed)
        } else if bytes < 0 {
            settled.wrappingAdd(-bytes, ordering: .releasing)
        }
    }

    /// Bytes promised and not yet written.
    package var promisedBytes: Int64 {
        // In this order: what is settled was promised before.
        let settled = settled.load(ordering: .acquiring)
        return promised.load(ordering: .relaxed) &- settled
    }
}

extension StoreError {
    /// A failure of the disk in the words of the vocabulary.
    package init(_ error: FileError) {
        self = error.isFullDisk ? .diskFull : .io(error.description)
    }
}

/// Runs `body` and turns a failure of the disk into the vocabulary's error.
package func storeErrors<Value: ~Copyable>(_ body: () throws(FileError) -> Value) throws(StoreError) -> Value {
    do { return try body() } catch { throw StoreError(error) }
}

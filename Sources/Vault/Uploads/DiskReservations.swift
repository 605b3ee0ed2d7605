import Blobs
import Files
import Store
import Synchronization

/// Disk space promised to uploads: the space for announced bytes is reserved before the first one arrives.
final class DiskReservations: Sendable {
    /// Bytes reserved at once for an upload of unknown length.
    static let stepBytes: Int64 = 16 << 20

    private let keepFreeBytes: Int64
    private let freeBytes: @Sendable () throws(FileError) -> Int64
    /// Bytes promised and not yet written.
    private let promised = Mutex<Int64>(0)

    init(keepFreeBytes: Int64, freeBytes: @escaping @Sendable () throws(FileError) -> Int64) {
        self.keepFreeBytes = keepFreeBytes
        self.freeBytes = freeBytes
    }

    /// Whether `bytes` more fit on a disk with `free` bytes, of which some are promised and some must stay free.
    static func fits(_ bytes: Int64, free: Int64, promised: Int64, kept: Int64) -> Bool {
        let (spoken, overflow) = promised.addingReportingOverflow(kept)
        guard !overflow, free > spoken else { return false }
        return bytes <= free - spoken
    }

    /// Promises `bytes`, or throws `.diskFull`.
    func reserve(_ bytes: Int64) throws(StoreError) {
        // The disk is asked inside the lock: whoever writes in between still counts what it wrote as promised.
        try promised.withLock { promised throws(StoreError) in
            let free = try storeErrors { () throws(FileError) in try freeBytes() }
            guard Self.fits(bytes, free: free, promised: promised, kept: keepFreeBytes) else {
                throw StoreError.diskFull
            }
            promised += bytes
        }
    }

    /// Adds `bytes` to what is promised, without asking the disk: negative as they are written or given back, positive
    /// where they were promised before.
    func adjust(by bytes: Int64) {
        promised.withLock { $0 += bytes }
    }

    /// Bytes promised and not yet written.
    var promisedBytes: Int64 { promised.withLock { $0 } }
}

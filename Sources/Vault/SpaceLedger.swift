import Blobs
import Files
import Store
import Synchronization

/// What uploads may still write: announced bytes are promised room on the disk before the first of them comes.
final class SpaceLedger: Sendable {
    /// Bytes taken at once for an upload that does not say how long it is.
    static let stepBytes: Int64 = 16 << 20

    private let keepFreeBytes: Int64
    private let freeBytes: @Sendable () throws(FileError) -> Int64
    /// Bytes promised and not yet written.
    private let promised = Mutex<Int64>(0)

    init(keepFreeBytes: Int64, freeBytes: @escaping @Sendable () throws(FileError) -> Int64) {
        self.keepFreeBytes = keepFreeBytes
        self.freeBytes = freeBytes
    }

    /// Whether `bytes` more fit on a disk with `free` bytes of which some are promised and some are kept.
    static func fits(_ bytes: Int64, free: Int64, promised: Int64, kept: Int64) -> Bool {
        let (spoken, overflow) = promised.addingReportingOverflow(kept)
        guard !overflow, free > spoken else { return false }
        return bytes <= free - spoken
    }

    /// Promises `bytes`, or throws `.diskFull`.
    func promise(_ bytes: Int64) throws(StoreError) {
        // The disk is asked inside the lock: whoever writes in between has not yet given its promise back.
        try promised.withLock { promised throws(StoreError) in
            let free = try storeErrors { () throws(FileError) in try freeBytes() }
            guard Self.fits(bytes, free: free, promised: promised, kept: keepFreeBytes) else {
                throw StoreError.diskFull
            }
            promised += bytes
        }
    }

    /// Promises `bytes` again that were promised before: nothing is asked.
    func renew(_ bytes: Int64) {
        promised.withLock { $0 += bytes }
    }

    /// Gives `bytes` of a promise back: they were written, or never will be.
    func settle(_ bytes: Int64) {
        promised.withLock { $0 -= bytes }
    }

    /// Bytes promised and not yet written.
    var promisedBytes: Int64 { promised.withLock { $0 } }
}

/// The share of one upload; what is left of it goes back when the value goes.
struct Reservation: ~Copyable, Sendable {
    private let ledger: SpaceLedger
    private var left: Int64
    private let isAnnounced: Bool

    /// Takes room for `size` bytes, or the first step where it is not known.
    init(_ size: Int64?, from ledger: SpaceLedger) throws(StoreError) {
        let bytes = size.map { max($0, 4096) } ?? SpaceLedger.stepBytes
        try ledger.promise(bytes)
        self.ledger = ledger
        left = bytes
        isAnnounced = size != nil
    }

    /// Takes back the room that an upload was promised before: what is left of `length`, or nothing yet where that is
    /// not known.
    init(renewing length: Int64?, after offset: Int64, from ledger: SpaceLedger) {
        self.ledger = ledger
        left = length.map { max($0 - offset, 0) } ?? 0
        isAnnounced = length != nil
        ledger.renew(left)
    }

    deinit { ledger.settle(left) }

    /// Makes sure that `bytes` may be written next.
    mutating func prepare(for bytes: Int64) throws(StoreError) {
        while !isAnnounced && left < bytes {
            try ledger.promise(SpaceLedger.stepBytes)
            left += SpaceLedger.stepBytes
        }
    }

    /// Notes that `bytes` were written and count as used by the disk itself.
    mutating func wrote(_ bytes: Int64) {
        let settled = min(bytes, left)
        left -= settled
        ledger.settle(settled)
    }
}

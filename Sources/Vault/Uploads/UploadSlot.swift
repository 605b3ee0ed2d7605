import Blobs
import Files
import Store
import StoreRules
import Synchronization

/// What one upload holds while it is under way: a place among the others, a charge on its subject's quota, and disk space.
/// All of it is given back when the value goes, or before.
final class UploadSlot: Sendable {
    /// What the subject had under way when this upload came.
    let before: UploadTable.Share

    private struct Taken {
        /// Bytes that the blob will be charged.
        var charge: Int64
        /// Bytes of disk reserved and not yet written.
        var disk: Int64 = 0
        /// Whether the length is known, so that no more than `disk` can come.
        var isLengthKnown = true
    }

    private let table: UploadTable
    private let subject: String
    /// Nil once it is given back.
    private let taken: Mutex<Taken?>

    /// Takes a place for an upload of `size` bytes, or throws `.busy`. Disk space is reserved separately.
    init(_ subject: String, size: Int64?, in table: UploadTable) throws(StoreError) {
        let charge = Self.charge(size ?? 0)
        before = try table.enter(subject, bytes: charge)
        taken = Mutex(Taken(charge: charge))
        self.table = table
        self.subject = subject
    }

    /// Takes the place and the disk space of an upload that an earlier process admitted.
    init(restoring upload: ResumableUpload, in table: UploadTable) {
        subject = upload.announcement.terms.subject
        let charge = Self.charge(upload.length ?? upload.offset)
        before = table.enterAgain(subject, bytes: charge)
        taken = Mutex(Taken(charge: charge))
        self.table = table
        expectDisk(upload.length.map { $0 - upload.offset })
    }

    deinit { giveBack() }

    /// Gives everything back; again: nothing.
    func giveBack() {
        guard let taken = taken.withLock({ $0.take() }) else { return }
        table.disk.adjust(by: -taken.disk)
        table.leave(subject, bytes: taken.charge)
    }

    // MARK: Quota

    /// Changes the charge to that of `size` bytes. Returns the charge of the subject's other uploads under way.
    func resize(to size: Int64) -> Int64 {
        let new = Self.charge(size)
        return taken.withLock { taken in
            guard let old = taken?.charge else { return table.share(of: subject).bytes }
            taken?.charge = new
            return table.change(subject, by: new - old).bytes - new
        }
    }

    /// At most more than any disk holds, so that a subject's sum cannot overflow.
    private static func charge(_ size: Int64) -> Int64 { min(Usage.bytes(for: size), 1 << 50) }

    // MARK: Disk

    /// Reserves space for `size` bytes to come, or a first step if the length is not known; replaces what was reserved.
    /// Throws `.diskFull`.
    func reserveDisk(_ size: Int64?) throws(StoreError) {
        let bytes = size.map { max($0, 4096) } ?? DiskReservations.stepBytes
        try table.disk.reserve(bytes)
        table.disk.adjust(by: -setDisk(bytes, isLengthKnown: size != nil))
    }

    /// Sets the reservation to the bytes that are still to come, or to none if the length is not known. They were
    /// reserved before, so this cannot fail.
    func expectDisk(_ size: Int64?) {
        let bytes = max(size ?? 0, 0)
        table.disk.adjust(by: bytes - setDisk(bytes, isLengthKnown: size != nil))
    }

    /// Returns what the caller has to release: the old reservation, or all of `bytes` once the slot is given back.
    private func setDisk(_ bytes: Int64, isLengthKnown: Bool) -> Int64 {
        taken.withLock { taken in
            guard let old = taken?.disk else { return bytes }
            taken?.disk = bytes
            taken?.isLengthKnown = isLengthKnown
            return old
        }
    }

    /// Reserves more if `bytes` could not be written next. Throws `.diskFull`.
    func prepareDisk(for bytes: Int64) throws(StoreError) {
        try taken.withLock { taken throws(StoreError) in
            while let current = taken, !current.isLengthKnown, current.disk < bytes {
                try table.disk.reserve(DiskReservations.stepBytes)
                taken?.disk += DiskReservations.stepBytes
            }
        }
    }

    /// Releases `bytes` that were written, since the disk counts them as used now.
    func wrote(_ bytes: Int64) {
        let written = taken.withLock { taken -> Int64 in
            let written = min(bytes, taken?.disk ?? 0)
            taken?.disk -= written
            return written
        }
        table.disk.adjust(by: -written)
    }
}

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

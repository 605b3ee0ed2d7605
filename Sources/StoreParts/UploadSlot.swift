import Blobs
import Files
import Store
import StoreRules
import Synchronization

/// What one upload holds while it is under way: a charge on its subject's quota, disk space for bytes to come, and a place
/// if it outlives its requests. All of it is given back when the value goes, or before.
final class UploadSlot: Sendable {
    private struct Taken {
        /// Bytes of the whole, once they are known.
        var length: Int64?
        /// Bytes that are in the file.
        var written: Int64 = 0
        /// Bytes of disk reserved and not yet written.
        var disk: Int64 = 0
        /// Whether the charge counts against others.
        var isJudged: Bool

        /// Bytes charged: those of the whole, or else those that are there and those there is space for. At most more
        /// than any disk holds, so that a subject's sum cannot overflow.
        var charge: Int64 {
            let size = length ?? written + disk
            return size == 0 && length == nil ? 0 : min(Usage.bytes(for: size), 1 << 50)
        }

        var judged: Int64 { isJudged ? charge : 0 }
    }

    let subject: String
    /// Nil for an upload that ends with its request.
    let id: UploadID?
    private let table: UploadTable
    /// Nil once it is given back.
    private let taken: Mutex<Taken?>

    private init(_ subject: String, _ id: UploadID?, _ taken: Taken, in table: UploadTable) {
        self.subject = subject
        self.id = id
        self.table = table
        self.taken = Mutex(taken)
    }

    /// Enters an upload, or throws `.busy`; disk space is reserved separately, and the place of one that will be kept. A
    /// small one is judged at its end, and counts against nobody before. Returns the number of its request, and the
    /// share of the subject's uploads that came before.
    static func enter(
        _ announcement: UploadAnnouncement, isSmall: Bool = false, keeping id: UploadID? = nil,
        isQuestion: Bool = false, in table: UploadTable
    ) throws(StoreError) -> (UploadSlot, request: Int, before: UploadTable.Share) {
        let subject = announcement.terms.subject
        let taken = Taken(length: announcement.size, isJudged: !isSmall)
        let (request, before) = try table.enter(
            subject, isShared: announcement.terms.isShared, bytes: taken.charge, judged: taken.judged,
            isQuestion: isQuestion)
        return (UploadSlot(subject, id, taken, in: table), request, before)
    }

    /// Enters an upload that an earlier process admitted, and takes its disk space.
    convenience init(restoring upload: ResumableUpload, in table: UploadTable) {
        let taken = Taken(length: upload.length, written: upload.offset, isJudged: true)
        self.init(upload.announcement.terms.subject, upload.id, taken, in: table)
        table.enterAgain(upload.id, of: subject, bytes: taken.charge)
        rest(at: upload.offset, length: upload.length)
    }

    deinit { giveBack() }

    /// Gives everything back; again: nothing.
    func giveBack() {
        guard let taken = taken.withLock({ $0.take() }) else { return }
        table.disk.adjust(by: -taken.disk)
        table.leave(subject, id, bytes: taken.charge, judged: taken.judged)
    }

    /// Changes what is taken, and what is promised and charged for it. Returns it as it is then; nil once all is given back.
    @discardableResult
    private func change(_ body: (inout Taken) -> Void) -> Taken? {
        taken.withLock { taken in
            guard let old = taken else { return nil }
            var new = old
            body(&new)
            taken = new
            table.disk.adjust(by: new.disk - old.disk)
            if new.charge != old.charge || new.judged != old.judged {
                table.change(subject, bytes: new.charge - old.charge, judged: new.judged - old.judged)
            }
            return new
        }
    }

    // MARK: Quota

    /// The length is known now. Returns the charge of the subject's other uploads.
    func tell(_ length: Int64) -> Int64 {
        let charge = change { $0.length = length }?.charge
        return table.share(of: subject).bytes - (charge ?? 0)
    }

    /// Bytes that other uploads of the subject have reserved of its quota.
    var bytesOfOthers: Int64 {
        taken.withLock { table.share(of: subject).judged - ($0?.judged ?? 0) }
    }

    /// Its lease is charged in the batch under way, behind which others must not find its bytes a second time.
    func settle() { change { $0.isJudged = false } }

    // MARK: Disk

    /// Reserves space for `size` bytes to come, beside which `rowBytes` must fit; replaces what was reserved. Throws
    /// `.diskFull`.
    func reserveDisk(_ size: Int64, rowBytes: Int64 = 0) throws(StoreError) {
        let bytes = max(size, 4096)
        let (needed, overflow) = bytes.addingReportingOverflow(rowBytes)
        if overflow { throw .diskFull }
        try table.disk.reserve(needed)
        change { $0.disk = bytes }
        table.disk.adjust(by: -needed)
    }

    /// Reserves space for `bytes` that nobody announced, before they are written, and charges it: a step where there is
    /// room for one, so that this is rare, else no more than is needed. Throws `.diskFull`, and what `judge` throws, which
    /// is called with the size of the whole so far and the charge of the subject's other uploads.
    func prepare(
        for bytes: Int64, judge: (_ size: Int64, _ others: Int64) throws(StoreError) -> Void
    ) throws(StoreError) {
        let (missing, step) = taken.withLock { taken -> (Int64, Int64) in
            guard let taken, taken.length == nil else { return (0, 0) }
            return (bytes - taken.disk, DiskReservations.step(after: taken.written))
        }
        if missing <= 0 { return }
        do { try grow(by: max(missing, step), judge) } catch {
            guard step > missing else { throw error }
            try grow(by: missing, judge)
        }
    }

    private func grow(
        by bytes: Int64, _ judge: (_ size: Int64, _ others: Int64) throws(StoreError) -> Void
    ) throws(StoreError) {
        try table.disk.reserve(bytes)
        defer { table.disk.adjust(by: -bytes) }
        guard let new = change({ $0.disk += bytes }) else { throw .uploadIsOver }
        do { try judge(new.written + new.disk, table.share(of: subject).bytes - new.charge) } catch {
            change { $0.disk -= bytes }
            throw error
        }
    }

    /// `bytes` were written: the disk counts them as used now.
    func wrote(_ bytes: Int64) {
        change { taken in
            taken.written += bytes
            taken.disk -= min(bytes, taken.disk)
        }
    }

    /// No request is writing any more: only the space for announced bytes stays reserved, which it was before, so that this
    /// cannot fail.
    func rest(at offset: Int64, length: Int64?) {
        change { $0 = Taken(length: length, written: offset, disk: max((length ?? 0) - offset, 0), isJudged: true) }
    }
}

/// Disk space promised to uploads: the space for announced bytes is reserved before the first one arrives.
final class DiskReservations: Sendable {
    private let keepFreeBytes: Int64
    private let freeBytes: @Sendable () throws(FileError) -> Int64
    /// Bytes promised and not yet written.
    private let promised = Mutex<Int64>(0)

    init(keepFreeBytes: Int64, freeBytes: @escaping @Sendable () throws(FileError) -> Int64) {
        self.keepFreeBytes = keepFreeBytes
        self.freeBytes = freeBytes
    }

    /// Bytes that are reserved at once for an upload of unknown length of which `written` bytes are there: as many again,
    /// from 256 KiB to 16 MiB.
    static func step(after written: Int64) -> Int64 { min(max(written, 256 << 10), 16 << 20) }

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
        if bytes != 0 { promised.withLock { $0 += bytes } }
    }

    /// Bytes promised and not yet written.
    var promisedBytes: Int64 { promised.withLock { $0 } }
}

extension StoreError {
    /// An upload was used after its end.
    static let uploadIsOver = StoreError.unavailable("the upload is over")
}

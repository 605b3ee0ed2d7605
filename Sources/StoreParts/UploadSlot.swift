package import Blobs
package import Store
import StoreRules
import Synchronization

/// What one upload holds while it is under way: a charge on its subject's quota, disk space for bytes to come, and a place
/// if it outlives its requests. All of it is given back when the value goes, or before.
package final class UploadSlot: Sendable {
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

    package let subject: String
    /// Nil for an upload that ends with its request.
    package let id: UploadID?
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
    package static func enter(
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
    package convenience init(restoring upload: ResumableUpload, in table: UploadTable) {
        let taken = Taken(length: upload.length, written: upload.offset, isJudged: true)
        self.init(upload.announcement.terms.subject, upload.id, taken, in: table)
        table.enterAgain(upload.id, of: subject, bytes: taken.charge)
        rest(at: upload.offset, length: upload.length)
    }

    deinit { giveBack() }

    /// Gives everything back; again: nothing.
    package func giveBack() {
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
    package func tell(_ length: Int64) -> Int64 {
        let charge = change { $0.length = length }?.charge
        return table.share(of: subject).bytes - (charge ?? 0)
    }

    /// Bytes that other uploads of the subject have reserved of its quota.
    package var bytesOfOthers: Int64 {
        taken.withLock { table.share(of: subject).judged - ($0?.judged ?? 0) }
    }

    /// Its lease is charged in the batch under way, behind which others must not find its bytes a second time.
    package func settle() { change { $0.isJudged = false } }

    // MARK: Disk

    /// Reserves space for `size` bytes to come, beside which `rowBytes` must fit; replaces what was reserved. Throws
    /// `.diskFull`.
    package func reserveDisk(_ size: Int64, rowBytes: Int64 = 0) throws(StoreError) {
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
    package func prepare(
        for bytes: Int64, judge: (_ size: Int64, _ others: Int64) throws(StoreError) -> Void
    ) throws(StoreError) {
        for step in steps(for: bytes) {
            do throws(StoreError) {
                let growth = try grow(by: step.bytes)
                do { try judge(growth.size, growth.others) } catch {
                    shrink(by: step.bytes)
                    throw error
                }
                return
            } catch {
                if step.isLast { throw error }
            }
        }
    }

    /// The same where the judge has to be waited for.
    package func prepare(
        for bytes: Int64, judge: (_ size: Int64, _ others: Int64) async throws(StoreError) -> Void
    ) async throws(StoreError) {
        for step in steps(for: bytes) {
            do throws(StoreError) {
                let growth = try grow(by: step.bytes)
                do { try await judge(growth.size, growth.others) } catch {
                    shrink(by: step.bytes)
                    throw error
                }
                return
            } catch {
                if step.isLast { throw error }
            }
        }
    }

    /// By how much to grow before `bytes` are written: what to try, one after the other; nothing where there is space.
    private func steps(for bytes: Int64) -> [(bytes: Int64, isLast: Bool)] {
        let (missing, step) = taken.withLock { taken -> (Int64, Int64) in
            guard let taken, taken.length == nil else { return (0, 0) }
            return (bytes - taken.disk, DiskReservations.step(after: taken.written))
        }
        if missing <= 0 { return [] }
        return step > missing ? [(step, false), (missing, true)] : [(missing, true)]
    }

    /// Reserves and charges `bytes` more. Returns the size of the whole so far, and the charge of the subject's other
    /// uploads.
    private func grow(by bytes: Int64) throws(StoreError) -> (size: Int64, others: Int64) {
        try table.disk.reserve(bytes)
        defer { table.disk.adjust(by: -bytes) }
        guard let new = change({ $0.disk += bytes }) else { throw .uploadIsOver }
        return (new.written + new.disk, table.share(of: subject).bytes - new.charge)
    }

    private func shrink(by bytes: Int64) { change { $0.disk -= bytes } }

    /// `bytes` were written: the disk counts them as used now.
    package func wrote(_ bytes: Int64) {
        change { taken in
            taken.written += bytes
            taken.disk -= min(bytes, taken.disk)
        }
    }

    /// No request is writing any more: only the space for announced bytes stays reserved, which it was before, so that this
    /// cannot fail.
    package func rest(at offset: Int64, length: Int64?) {
        change { $0 = Taken(length: length, written: offset, disk: max((length ?? 0) - offset, 0), isJudged: true) }
    }
}

extension StoreError {
    /// An upload was used after its end.
    package static let uploadIsOver = StoreError.unavailable("the upload is over")
}

import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Store
import StoreParts
import StoreRules

/// Changes to the rows of resumable uploads, with what each means for file and slot. The caller holds the upload's lock,
/// except for a new upload. `nameAndRecord` commits one.
extension Vault {
    /// Makes the row of a new upload durable, and the name of its empty file. Returns when it expires.
    func addRow(of id: UploadID, _ announcement: UploadAnnouncement) async throws(StoreError) -> Timestamp {
        let change = CreateUpload(id: id, announcement: announcement, lifetime: settings.uploadLifetime)
        let result: Result<Timestamp, StoreError> = await withCheckedContinuation { continuation in
            committer.perform({ change }) { _ in
                true
            } completion: {
                continuation.resume(returning: $0)
            }
        }
        return try result.get()
    }

    /// The upload's row, whoever asks, expired or not.
    func row(of id: UploadID) async throws(StoreError) -> ResumableUpload {
        guard let upload = try await read({ try $0.upload(id) }) else { throw .notFound }
        return upload
    }

    /// Sets how far the upload is durable, and its length if that is known by now.
    func moveRow(of id: UploadID, to offset: Int64, length: Int64?) async throws(StoreError) {
        try await make(AdvanceUpload(id: id, offset: offset, length: length, lifetime: settings.uploadLifetime))
    }

    /// Records that the upload can never be taken, and discards its bytes. If that fails the upload stays open, and is
    /// refused again when it is resumed.
    func refuse(_ upload: ResumableUpload, because error: StoreError) async {
        let id = upload.id
        do throws(StoreError) {
            try await make(
                RefuseUpload(
                    id: id, of: upload.announcement.terms.subject, because: error,
                    lifetime: settings.finishedUploadLifetime))
        } catch {
            return openUploads.park(id, nil)
        }
        await discard(id)
    }

    /// Removes the upload's row, whatever its state, and discards its bytes.
    func drop(_ id: UploadID) async throws(StoreError) {
        await openUploads[id]?.session?.endAbandoned()
        try await make(DropUpload(id: id))
        await discard(id)
    }

    /// Removes the staged file of an upload that is not open any more, and gives its slot back. The sweep removes a file
    /// that cannot be removed now.
    func discard(_ id: UploadID) async {
        try? await onDisk { disk throws(FileError) in try disk.files.removeStaged(id.hex) }
        openUploads.forget(id)
    }

    /// Takes slots for the open uploads that an earlier process left.
    func takeUpUploads() async throws(StoreError) {
        var last: UploadID?
        while true {
            let from = last
            let page = try await read { try $0.openUploads(after: from) }
            guard let next = page.last?.id else { return }
            last = next
            for upload in page {
                let latest = upload.expires.seconds.subtractingReportingOverflow(settings.uploadLifetime.seconds)
                openUploads.add(upload.id, UploadSlot(restoring: upload, in: uploads))
                uploads.rank(
                    upload.id,
                    UploadStanding(
                        hasBytes: upload.offset > 0,
                        latest: Timestamp(seconds: latest.overflow ? .min : latest.partialValue)))
            }
        }
    }
}

/// Uploads that had expired.
struct ExpiredUploads: Sendable, Hashable {
    /// Those that were open, with the bytes received.
    var open = Removed()
    /// Those that had ended.
    var finished = 0

    /// Counts one more.
    mutating func add(_ upload: ResumableUpload) {
        guard case .open = upload.state else {
            finished += 1
            return
        }
        open.count += 1
        open.bytes += upload.offset
    }
}

/// What sweeps and checks do to resumable uploads.
extension Vault {
    /// The most uploads that are read at once.
    private static let expiryBatch = 64

    /// Removes expired uploads, finished ones too, and gives back the slots of those that are not open any more.
    func expireUploads() async throws(StoreError) -> ExpiredUploads {
        var expired = ExpiredUploads()
        var last: ResumableUpload?
        while !Task.isCancelled {
            let (now, from) = (time.now, last)
            let due = try await read { try $0.dueUploads(at: now, after: from, limit: Self.expiryBatch) }
            guard let next = due.last else { break }
            last = next
            // One by one: they are few, and this keeps the order of durable steps the same in every run.
            for upload in due { if let ended = try await expire(upload.id) { expired.add(ended) } }
        }
        try await forgetEnded()
        return expired
    }

    private func expire(_ id: UploadID) async throws(StoreError) -> ResumableUpload? {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            let now = time.now
            // It may have been resumed since, or is being resumed.
            guard let upload = try await read({ try $0.upload(id) }), upload.expires <= now,
                !(openUploads[id]?.session?.isAlive(at: now) ?? false)
            else { return nil }
            try await drop(id)
            return upload
        }
    }

    /// Gives back the slots of uploads that ended by a commit whose outcome was unknown.
    private func forgetEnded() async throws(StoreError) {
        let idle = openUploads.idle
        for start in stride(from: 0, to: idle.count, by: Catalog.pageRows) {
            let page = Array(idle[start..<min(start + Catalog.pageRows, idle.count)])
            for id in try await read({ reader in try page.filter { try !reader.isOpenUpload($0) } }) {
                openUploads.forget(id)
            }
        }
    }

    /// What is wrong with the file of an open upload; nil if nothing is, or if it is not open any more. Drops a damaged
    /// upload if `givingUp`. Holds the upload's lock, so that no request is between its bytes and its row.
    func examine(_ id: UploadID, givingUp: Bool) async throws(StoreError) -> Damage? {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            guard let upload = try await read({ try $0.upload(id) }), case .open = upload.state else { return nil }
            let found = try await onDisk { disk throws(FileError) in try disk.files.stagedSize(of: id) }
            if let found, found >= upload.offset { return nil }
            if givingUp { try await drop(id) }
            guard let found else { return Damage(.lostUpload, "the upload's file is missing") }
            return Damage(
                .lostUpload, "the upload's file has \(found) bytes, but the client was told \(upload.offset)")
        }
    }
}

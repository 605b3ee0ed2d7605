package import Blobs
import Catalog
import DiskStore
import Files

/// How uploads that outlive their requests end, other than as a blob.
extension Vault {
    /// Notes that the upload can never be taken and gives back what it had. Where that cannot be noted it stays open, and
    /// its end is found again by whoever goes on with it.
    func refuse(_ id: UploadID, because error: StoreError) async {
        let lifetime = settings.finishedUploadLifetime
        do throws(StoreError) {
            try await committer.perform { writer, now in
                try writer.refuseUpload(id, because: error, expires: now.advanced(by: lifetime))
            }
        } catch {
            return kept.park(id, nil, nil)
        }
        await removeStaged(id)
        kept.forget(id)
    }

    /// Forgets the upload, whatever its state, and removes what it has on the disk. Its lock is held.
    func drop(_ id: UploadID) async throws(StoreError) {
        await kept[id]?.turn?.endAbandoned()
        try await write { writer, _ in try writer.dropUpload(id) }
        await removeStaged(id)
        kept.forget(id)
    }

    /// What was told of the upload is not there any more: nobody can go on with it.
    func lose(_ id: UploadID) async throws(StoreError) { try await drop(id) }

    /// Removes the staged file. What cannot be removed now has no row, and the sweep takes it.
    func removeStaged(_ id: UploadID) async {
        try? await onDisk { disk throws(FileError) in try disk.removeStaged(id) }
    }

    /// The most uploads that end at once.
    private static let expiryBatch = 64

    /// Forgets uploads whose time is up, finished ones too; how many there were.
    package func expireUploads() async throws(StoreError) -> Int {
        var count = 0
        while !Task.isCancelled {
            let now = time.now
            let due = try await read { try $0.dueUploads(at: now, after: nil, limit: Self.expiryBatch) }
            if due.isEmpty { break }
            let results = await withTaskGroup(of: Result<Void, StoreError>.self) { group in
                for upload in due {
                    group.addTask { await Result { () async throws(StoreError) in try await self.expire(upload.id) } }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            for result in results { try result.get() }
            count += due.count
        }
        return count
    }

    private func expire(_ id: UploadID) async throws(StoreError) {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            // Somebody may have gone on with it meanwhile.
            guard let upload = try await read({ try $0.upload(id) }), upload.expires <= time.now else { return }
            try await drop(id)
        }
    }

    /// Takes up the open uploads that an earlier process left: their places and their shares of the disk.
    func takeUpUploads() async throws(StoreError) {
        var last: UploadID?
        while true {
            let from = last
            let page = try await read { try $0.openUploads(after: from) }
            guard let next = page.last?.id else { return }
            last = next
            for upload in page {
                let place = UploadPlace(
                    again: upload.announcement.terms.subject, bytes: Charge.bytes(for: upload.length ?? 0), in: uploads)
                let space = ParkedSpace(Reservation(renewing: upload.length, after: upload.offset, from: ledger))
                kept.keep(KeptUploads.Kept(place: place, space: space), as: upload.id)
            }
        }
    }
}

extension Result where Failure == StoreError {
    /// Runs something that waits and keeps what it came to.
    init(_ body: () async throws(StoreError) -> Success) async {
        do throws(StoreError) { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

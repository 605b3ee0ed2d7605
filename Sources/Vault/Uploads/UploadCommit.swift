import BlobFiles
import Blobs
import Store
import StoreParts
import StoreRules

extension Vault {
    /// Makes an upload whose last byte has come a blob: hash, verify, write, sync; name, rows, acknowledge.
    ///
    /// The first four are done by one thread that may block, which hands the rest to a batch: the committing thread itself,
    /// between its batches, where the bytes are so few that another thread would take longer to wake. The lock of the
    /// address is held from before the file is named until the rows are durable.
    ///
    /// - Parameter row: the upload's own row, if it is resumable.
    func commit(_ upload: UploadWriter, row: UploadID? = nil) async throws(StoreError) -> StoredBlob {
        let announcement = upload.announcement
        if !upload.gathersAll { try await upload.drain() }
        let thread = upload.gathersAll && upload.received < Self.fewBytes ? commitThread : workers
        let result: Result<StoredBlob, StoreError> = await withCheckedContinuation { continuation in
            let acknowledge = { @Sendable result in continuation.resume(returning: result) }
            thread.submit {
                do throws(StoreError) {
                    let (address, rest) = try upload.hashWhole()
                    try announcement.verify(address)
                    if upload.gathersAll {
                        upload.begin(try self.stage(upload.received, for: announcement.terms, upload.slot))
                    }
                    try upload.write(rest)
                    try upload.synchronize(isWhole: true)
                    // It was admitted long ago, and tries again where this fails.
                    if row != nil { try self.checkRoom(forRowsOf: announcement.terms) }
                    self.lock(address) { refusal in
                        if let refusal { return acknowledge(.failure(refusal)) }
                        self.nameAndRecord(upload, address, row: row) { result in
                            self.locks.release(address)
                            acknowledge(result)
                        }
                    }
                } catch {
                    acknowledge(.failure(error))
                }
            } orElse: {
                acknowledge(.failure(.storeIsClosing))
            }
        }
        return try result.get()
    }

    /// Below this many bytes an upload is hashed and written by the committing thread. Beyond it another thread begins to
    /// write back what it has written meanwhile.
    private static let fewBytes = StagedFile.earlyWriteBackBytes

    /// Calls `body` with the lock of the address held, on a thread that may block: this one if the lock is free. It is
    /// called without the lock where no thread is left.
    private func lock(_ address: BlobAddress, then body: @escaping @Sendable (StoreError?) -> Void) {
        if locks.tryAcquire(address) { return body(nil) }
        locks.acquire(address) {
            self.workers.submit {
                body(nil)
            } orElse: {
                self.locks.release(address)
                body(.storeIsClosing)
            }
        }
    }

    /// A change in a batch: judges the upload, writes its rows, and names its file unless the blob is held already. The
    /// batch then syncs names, commits rows, and calls `completion`.
    private func nameAndRecord(
        _ upload: UploadWriter, _ address: BlobAddress, row: UploadID?,
        completion: @escaping @Sendable (Result<StoredBlob, StoreError>) -> Void
    ) {
        let (size, terms, limits) = (upload.received, upload.announcement.terms, leaseLimits)
        let resumable = row.map { ($0, lifetime: settings.finishedUploadLifetime) }
        let fileSize: Int64?
        do throws(StoreError) { fileSize = try self.fileSize(of: address) } catch {
            return completion(.failure(error))
        }
        committer.perform {
            CommitUpload(
                address: address, size: size, terms: terms, bytesUnderWay: upload.slot.bytesOfOthers, limits: limits,
                bytes: .file(fileSize), resumable: resumable)
        } naming: { blob throws(StoreError) in
            upload.slot.settle()
            if blob.isNew { try upload.place(as: address) }
            return blob.isNew
        } completion: {
            completion($0)
        }
    }
}

extension UploadAnnouncement {
    /// Throws `.digestMismatch` for another address than the one announced.
    fileprivate func verify(_ actual: BlobAddress) throws(StoreError) {
        if let address, address != actual { throw .digestMismatch(announced: address, actual: actual) }
    }
}

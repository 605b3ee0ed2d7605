import BlobFiles
package import Blobs
import Catalog
import Logging
package import Store
import StoreParts
import StoreRules

extension Vault {
    package var blobLimitBytes: Int64 { settings.blobLimitBytes }

    package func create(_ announcement: UploadAnnouncement) async throws(StoreError) -> ResumableUpload {
        let id = UploadID.random()
        let (writer, before) = try admitUnseen(announcement, keeping: id)
        do throws(StoreError) {
            let loser = try await workers.run { () throws(StoreError) in
                try self.judge(
                    announcement, size: announcement.size, bytesUnderWay: before.bytes, uploadsUnderWay: before.uploads)
                writer.begin(try self.stage(announcement.size, for: announcement.terms, writer.slot))
                return try self.uploads.keep(id, of: writer.slot.subject)
            }
            if let loser { try await giveUp(loser) }
            let expires = try await create(id, announcement, writer)
            openUploads.add(id, writer.slot)
            uploads.rank(id, UploadStanding(hasBytes: false, latest: time.now))
            return ResumableUpload(
                id: id, state: .open, length: announcement.size, offset: 0, announcement: announcement,
                expires: expires)
        } catch {
            await writer.close()
            writer.slot.giveBack()
            throw error
        }
    }

    /// Adds the row and closes the file. The file stays wherever the row may exist: there is no row without its file, and
    /// the sweep removes a file without a row.
    private func create(
        _ id: UploadID, _ announcement: UploadAnnouncement, _ writer: UploadWriter
    ) async throws(StoreError) -> Timestamp {
        do throws(StoreError) {
            let expires = try await addRow(of: id, announcement)
            try writer.keepFile()
            await writer.close()
            return expires
        } catch {
            if error == .outcomeUnknown { try? writer.keepFile() }
            await writer.close()
            throw error
        }
    }

    package func upload(_ id: UploadID) async throws(StoreError) -> ResumableUpload {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in try await current(id) }
    }

    package func resume(_ id: UploadID, with append: UploadAppend) async throws(StoreError) -> Resumption {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            if let reason = health.suspension { throw .unavailable(reason) }
            let upload = try await current(id)
            guard case .open = upload.state else { return .finished(upload) }
            let length = try ResumptionRule.length(of: upload, with: append, limitBytes: settings.blobLimitBytes)
            return .ready(try await begin(upload, length: length, append))
        }
    }

    package func cancel(_ id: UploadID) async throws(StoreError) {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            if let reason = health.suspension { throw .unavailable(reason) }
            let upload = try await known(id)
            let now = time.now
            guard let upload, upload.expires > now || openUploads[id]?.session?.isAlive(at: now) == true else {
                throw .notFound
            }
            try await drop(id)
        }
    }

    /// Forgets a kept upload whose place another one took; it has the place again where that fails.
    func giveUp(_ id: UploadID) async throws(StoreError) {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            do throws(StoreError) {
                // By now it may have come to its end.
                if case .open = try await known(id)?.state { try await drop(id) }
            } catch {
                guard let slot = openUploads[id]?.slot else { throw error }
                uploads.keepAgain(id, of: slot.subject, UploadStanding(hasBytes: true, latest: time.now))
                throw error
            }
        }
    }

    // MARK: Steps, each under the upload's lock

    /// The upload's row, once no request is writing to it any more; throws `.notFound` if it has expired.
    private func current(_ id: UploadID) async throws(StoreError) -> ResumableUpload {
        var upload = try await known(id)
        if let session = openUploads[id]?.session {
            await session.supersede()
            upload = try await known(id)
        }
        guard let upload, upload.expires > time.now else { throw .notFound }
        return upload
    }

    /// The upload's row, if there is one. Gives back the slot of one that is not open any more: it ended by a commit whose
    /// outcome was unknown.
    private func known(_ id: UploadID) async throws(StoreError) -> ResumableUpload? {
        let upload = try await read { try $0.upload(id) }
        guard let upload else {
            openUploads.forget(id)
            return nil
        }
        if case .open = upload.state { return upload }
        openUploads.forget(id)
        return upload
    }

    private func begin(
        _ upload: ResumableUpload, length: Int64?, _ append: UploadAppend
    ) async throws(StoreError) -> ResumedUpload {
        guard let open = openUploads[upload.id] else { throw .storeIsClosing }
        let request = try uploads.addRequest(of: open.slot.subject)
        let session: ResumedUpload
        do throws(StoreError) {
            let writer = try await workers.run { () throws(StoreError) in
                if upload.length == nil { try self.judge(upload, length: length, open.slot) }
                return try self.reopen(upload, length: length, open, request: request, checksum: append.checksum)
            }
            session = ResumedUpload(upload, length: length, writer, in: self)
        } catch {
            uploads.leave(request)
            open.slot.rest(at: upload.offset, length: upload.length)
            // Acknowledged bytes are missing, so the upload cannot be resumed.
            if error == .notFound { try await drop(upload.id) }
            throw error
        }
        openUploads.begin(session)
        return session
    }

    /// Judges an upload without an announced length again: by its length if that is known now, else by its bytes so far.
    private func judge(_ upload: ResumableUpload, length: Int64?, _ slot: UploadSlot) throws(StoreError) {
        guard let length else {
            return try judge(upload.announcement, size: upload.offset, bytesUnderWay: slot.bytesOfOthers)
        }
        _ = try UploadRule(announced: length, settings: settings.store)
        // It is charged first, so that of two uploads that do not both fit at least one is refused.
        let others = slot.tell(length)
        try judge(upload.announcement, size: length, bytesUnderWay: others)
    }

    /// Opens the staged file at the upload's offset. Throws `.notFound` if it has fewer bytes than were acknowledged, and
    /// `.diskFull` if there is no space for a length that is known only now.
    private func reopen(
        _ upload: ResumableUpload, length: Int64?, _ open: OpenUploads.OpenUpload, request: Int,
        checksum: UploadChecksum?
    ) throws(StoreError) -> UploadWriter {
        let file = try acknowledged { () throws(BlobFileError) in try files.reopen(upload.id, at: upload.offset) }
        let head = try acknowledged { () throws(BlobFileError) in
            try file.head(Int(min(upload.offset, Int64(SealedShape.magic.count))))
        }
        let rule = try UploadRule(resuming: upload.with(length: length), head: head, settings: settings.store)
        if upload.length == nil, let length { try open.slot.reserveDisk(length - upload.offset) }
        return UploadWriter(
            upload.announcement, open.slot, request: request, rule: rule, file: file,
            hasher: upload.offset == 0 ? BlobHasher() : open.hasher, checksum: checksum, in: self)
    }

    /// Runs `body`, and throws `.notFound` if acknowledged bytes are missing.
    private func acknowledged<Value: ~Copyable>(
        _ body: () throws(BlobFileError) -> Value
    ) throws(StoreError) -> Value {
        do { return try body() } catch {
            if case .file(let cause) = error { throw StoreError(cause) }
            logger.error("A resumable upload has lost its file", metadata: ["error": "\(error)"])
            throw .notFound
        }
    }
}

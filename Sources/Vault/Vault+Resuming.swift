package import Blobs
import Catalog
import DiskStore
import Files
import Logging

extension Vault: ResumableStore {
    package var blobLimitBytes: Int64 { settings.blobLimitBytes }

    package func create(_ announcement: UploadAnnouncement) async throws(StoreError) -> ResumableUpload {
        let id = UploadID.random()
        let lifetime = settings.uploadLifetime
        let (place, bytes) = try await workers.run { () throws(StoreError) in
            let (rule, place) = try self.admit(announcement)
            let staging = try self.stage(announcement.size, for: id)
            return (
                place,
                UploadBytes(
                    rule: rule, gathersAll: false, hasher: BlobHasher(), staging: staging, workers: self.workers)
            )
        }
        let result: Result<Timestamp, StoreError> = await withCheckedContinuation { continuation in
            committer.perform { writer, now in
                let expires = now.advanced(by: lifetime)
                try writer.addUpload(id, announcement, expires: expires)
                // The file's name in staging is as durable as the row then.
                return (expires, hasName: true)
            } completion: { result in
                if case .success = result { try? bytes.onStaging { staging in staging.keep() } }
                continuation.resume(returning: result)
            }
        }
        let expires: Timestamp
        do throws(StoreError) { expires = try result.get() } catch {
            try? await workers.run { _ = bytes.release() }
            place.giveUp()
            throw error
        }
        let (hasher, space) = try await workers.run { bytes.park() }
        kept.keep(KeptUploads.Kept(place: place, hasher: hasher, space: space), as: id)
        return ResumableUpload(
            id: id, state: .open, length: announcement.size, offset: 0, announcement: announcement, expires: expires)
    }

    package func upload(_ id: UploadID, subject: String?) async throws(StoreError) -> ResumableUpload {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            let upload = try await known(id, subject: subject)
            guard let turn = kept[id]?.turn else { return upload }
            await turn.supersede()
            return try await written(id)
        }
    }

    package func resume(
        _ id: UploadID, with append: UploadAppend, subject: String?
    ) async throws(StoreError) -> Resumption {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            if let reason = health.suspension { throw .unavailable(reason) }
            _ = try await known(id, subject: subject)
            await kept[id]?.turn?.supersede()
            let upload = try await written(id)
            guard case .open = upload.state else { return .finished(upload) }
            let length = try ResumptionRule.length(of: upload, with: append, limitBytes: settings.blobLimitBytes)
            return .ready(try await begin(upload, length: length, append))
        }
    }

    package func cancel(_ id: UploadID, subject: String?) async throws(StoreError) {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            if let reason = health.suspension { throw .unavailable(reason) }
            _ = try await known(id, subject: subject)
            try await drop(id)
        }
    }

    // MARK: Steps, each under the upload's lock

    /// The upload as it is written down, if it is still remembered and may be asked for by `subject`.
    private func known(_ id: UploadID, subject: String?) async throws(StoreError) -> ResumableUpload {
        let upload = try await written(id)
        if let subject, subject != upload.announcement.terms.subject { throw .wrongSubject }
        return upload
    }

    /// The upload as it is written down; `.notFound` where its time is up.
    func written(_ id: UploadID) async throws(StoreError) -> ResumableUpload {
        guard let upload = try await read({ try $0.upload(id) }), upload.expires > time.now else { throw .notFound }
        return upload
    }

    private func begin(
        _ upload: ResumableUpload, length: Int64?, _ append: UploadAppend
    ) async throws(StoreError) -> UploadTurn {
        if upload.length == nil, let length { try await charge(upload, length: length) }
        guard let waiting = kept[upload.id] else { throw .unavailable("the store is closing") }
        let known = upload.with(length: length)
        let turn: UploadTurn
        do throws(StoreError) {
            let bytes = try await workers.run { () throws(StoreError) in
                try self.reopen(known, waiting, checksum: append.checksum)
            }
            turn = UploadTurn(vault: self, upload: upload, length: length, checksum: append.checksum, bytes: bytes)
        } catch {
            if error == .notFound { try await lose(upload.id) }
            throw error
        }
        kept.begin(turn)
        return turn
    }

    /// Now that an upload's length is known it is judged as it would have been at its beginning.
    private func charge(_ upload: ResumableUpload, length: Int64) async throws(StoreError) {
        let terms = upload.announcement.terms
        let place = try await workers.run { () throws(StoreError) in
            _ = try UploadRule(announced: length, settings: self.settings)
            self.kept[upload.id]?.place.giveUp()
            let place = UploadPlace(again: terms.subject, bytes: Charge.bytes(for: length), in: self.uploads)
            let facts = try self.slot.read {
                try LeaseFacts(
                    $0, address: upload.announcement.address, size: length, terms: terms,
                    bytesUnderWay: place.before.bytes, limits: self.settings)
            }
            do throws(StoreError) { try self.refuse(facts, terms: terms) } catch {
                self.kept.place(upload.id, UploadPlace(again: terms.subject, bytes: 0, in: self.uploads))
                throw error
            }
            return place
        }
        kept.place(upload.id, place)
    }

    /// Opens the staged file where the upload stands; throws `.notFound` where it has not what was told.
    private func reopen(
        _ upload: ResumableUpload, _ waiting: KeptUploads.Kept, checksum: UploadChecksum?
    ) throws(StoreError) -> UploadBytes {
        let file = try diskErrors { () throws(DiskError) in
            try disk.reopen(upload.id, at: upload.offset)
        }
        let head = try diskErrors { () throws(DiskError) in
            try file.head(Int(min(upload.offset, Int64(SealedShape.magic.count))))
        }
        let space =
            waiting.space?.take() ?? Reservation(renewing: upload.length, after: upload.offset, from: ledger)
        return UploadBytes(
            rule: try UploadRule(resuming: upload, head: head, settings: settings), gathersAll: false,
            hasher: upload.offset == 0 ? BlobHasher() : waiting.hasher,
            checksum: checksum.map { ChecksumHasher($0.algorithm) },
            staging: Staging(file: file, reservation: space), workers: workers)
    }

    private func diskErrors<Value: ~Copyable>(
        _ body: () throws(DiskError) -> Value
    ) throws(StoreError) -> Value {
        do { return try body() } catch {
            switch error {
            case .missing, .wrongSize:
                logger.error("An upload has lost its file", metadata: ["error": "\(error)"])
                throw .notFound
            case .file(let error): throw StoreError(error)
            }
        }
    }
}

import BlobFiles
package import Blobs
import Catalog
import DiskStore
import Files
import Logging
package import Store
import StoreRules

extension Vault: ResumableStore {
    package var blobLimitBytes: Int64 { settings.blobLimitBytes }

    package func create(_ announcement: UploadAnnouncement) async throws(StoreError) -> ResumableUpload {
        let id = UploadID.random()
        let lifetime = settings.uploadLifetime
        let (rule, place) = try admitUnseen(announcement)
        let bytes = try await workers.run { () throws(StoreError) in
            try self.admit(announcement, at: place)
            let staging = try self.stage(announcement.size, for: id)
            return UploadBytes(
                rule: rule, gathersAll: false, hasher: BlobHasher(), staging: staging, workers: self.workers)
        }
        let result: Result<Timestamp, StoreError> = await withCheckedContinuation { continuation in
            committer.perform(CreateUpload(id: id, announcement: announcement, lifetime: lifetime)) { _ in
                // The file's name in staging is as durable as the row then.
                true
            } completion: { result in
                if case .success = result { try? bytes.onStaging { staging in staging.keep() } }
                continuation.resume(returning: result)
            }
        }
        let expires: Timestamp
        do throws(StoreError) { expires = try result.get() } catch {
            try? await workers.run {
                // The row may be there, and none is without its file; a file without a row is the sweep's.
                if error == .outcomeUnknown { try? bytes.onStaging { staging in staging.keep() } }
                bytes.release()
            }
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
            try await standing(id, subject: subject)
        }
    }

    package func resume(
        _ id: UploadID, with append: UploadAppend, subject: String?
    ) async throws(StoreError) -> Resumption {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            if let reason = health.suspension { throw .unavailable(reason) }
            let upload = try await standing(id, subject: subject)
            guard case .open = upload.state else { return .finished(upload) }
            let length = try ResumptionRule.length(of: upload, with: append, limitBytes: settings.blobLimitBytes)
            return .ready(try await begin(upload, length: length, append))
        }
    }

    package func cancel(_ id: UploadID, subject: String?) async throws(StoreError) {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            if let reason = health.suspension { throw .unavailable(reason) }
            let upload = try await known(id, subject: subject)
            let now = time.now
            guard let upload, upload.expires > now || kept[id]?.turn?.isAlive(at: now) == true else { throw .notFound }
            try await drop(id)
        }
    }

    // MARK: Steps, each under the upload's lock

    /// The upload as it is written down once nobody is at work on it any more; `.notFound` where its time is up.
    private func standing(_ id: UploadID, subject: String?) async throws(StoreError) -> ResumableUpload {
        var upload = try await known(id, subject: subject)
        if let turn = kept[id]?.turn {
            await turn.supersede()
            upload = try await known(id, subject: subject)
        }
        guard let upload, upload.expires > time.now else { throw .notFound }
        return upload
    }

    /// The upload as it is written down, if it is and may be asked for by `subject`. What is kept for one that is open no
    /// more is given back: its end was told as unknown, and came.
    private func known(_ id: UploadID, subject: String?) async throws(StoreError) -> ResumableUpload? {
        let upload = try await read { try $0.upload(id) }
        guard let upload else {
            kept.forget(id)
            return nil
        }
        if let subject, subject != upload.announcement.terms.subject { throw .wrongSubject }
        if case .open = upload.state { return upload }
        kept.forget(id)
        return upload
    }

    /// The upload as it is written down, whoever asks and whatever the time.
    func written(_ id: UploadID) async throws(StoreError) -> ResumableUpload {
        guard let upload = try await read({ try $0.upload(id) }) else { throw .notFound }
        return upload
    }

    private func begin(
        _ upload: ResumableUpload, length: Int64?, _ append: UploadAppend
    ) async throws(StoreError) -> UploadTurn {
        guard let waiting = kept[upload.id] else { throw .unavailable("the store is closing") }
        if upload.length == nil { try await charge(upload, length: length, waiting.place) }
        let known = upload.with(length: length)
        let turn: UploadTurn
        do throws(StoreError) {
            let bytes = try await workers.run { () throws(StoreError) in
                try self.reopen(known, waiting, isToldNow: upload.length != length, checksum: append.checksum)
            }
            turn = UploadTurn(vault: self, upload: upload, length: length, checksum: append.checksum, bytes: bytes)
        } catch {
            // What was told of it is not there: nobody can go on with it.
            if error == .notFound { try await drop(upload.id) }
            throw error
        }
        kept.begin(turn)
        return turn
    }

    /// An upload whose length was not told is judged anew, by its length if that is told now, else by what it has.
    private func charge(
        _ upload: ResumableUpload, length: Int64?, _ place: UploadPlace
    ) async throws(StoreError) {
        let (terms, size) = (upload.announcement.terms, length ?? upload.offset)
        try await workers.run { () throws(StoreError) in
            if let length { _ = try UploadRule(announced: length, settings: self.settings) }
            // First the place, then the question, so that of two that do not both fit one at least is refused.
            let others = place.resize(to: Usage.bytes(for: size))
            do throws(StoreError) {
                try self.judge(
                    AdmitLease(
                        address: upload.announcement.address, size: size, terms: terms, bytesUnderWay: others,
                        limits: self.settings.leaseLimits))
            } catch {
                _ = place.resize(to: Usage.bytes(for: upload.offset))
                throw error
            }
        }
    }

    /// Opens the staged file where the upload stands; throws `.notFound` where it has not what was told, and `.diskFull`
    /// where there is no room for the length that is told now.
    private func reopen(
        _ upload: ResumableUpload, _ waiting: KeptUploads.Kept, isToldNow: Bool, checksum: UploadChecksum?
    ) throws(StoreError) -> UploadBytes {
        let file = try diskErrors { () throws(BlobFileError) in
            try disk.files.reopen(upload.id, at: upload.offset)
        }
        let head = try diskErrors { () throws(BlobFileError) in
            try file.head(Int(min(upload.offset, Int64(SealedShape.magic.count))))
        }
        let parked = waiting.space?.take()
        let space =
            if isToldNow, let length = upload.length {
                try Reservation(length - upload.offset, from: ledger)
            } else {
                parked ?? Reservation(renewing: upload.length, after: upload.offset, from: ledger)
            }
        return UploadBytes(
            rule: try UploadRule(resuming: upload, head: head, settings: settings), gathersAll: false,
            hasher: upload.offset == 0 ? BlobHasher() : waiting.hasher,
            checksum: checksum.map { ChecksumHasher($0.algorithm) },
            staging: Staging(file: file, reservation: space), workers: workers)
    }

    private func diskErrors<Value: ~Copyable>(
        _ body: () throws(BlobFileError) -> Value
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

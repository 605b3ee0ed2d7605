import Blobs
import Store
import StoreRules

/// What can happen to an upload that outlives its requests.
extension MemoryState {
    /// The upload as it is written down, or `.notFound`.
    func known(_ id: UploadID) throws(StoreError) -> ResumableUpload {
        guard let upload = catalog.uploads[id] else { throw .notFound }
        return upload
    }

    /// The upload once nobody is at work on it any more; `.notFound` where its time is up.
    mutating func idle(
        _ id: UploadID, _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) -> ResumableUpload {
        _ = try known(id)
        if let number = openUploads[id]?.session {
            // With a checksum they count all together or not at all.
            if sessions[number]?.continued?.checksum == nil { try keep(number, settings, at: now) } else { end(number) }
        }
        let upload = try known(id)
        guard upload.expires > now else { throw .notFound }
        return upload
    }

    /// Begins a session; gives its number.
    mutating func begin(
        _ append: UploadAppend, on upload: ResumableUpload, _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) -> Int {
        let length = try ResumptionRule.length(of: upload, with: append, limitBytes: settings.blobLimitBytes)
        guard let bytes = staged[upload.id], bytes.count >= upload.offset, let place = openUploads[upload.id]?.place
        else {
            try drop(upload.id, at: now)
            throw .notFound
        }
        let number = newNumber()
        try enter(number, of: upload.announcement.terms.subject, settings, at: now)
        do throws(StoreError) {
            try begin(append, on: upload, length: length, Array(bytes.prefix(4)), place, as: number, settings, at: now)
        } catch {
            requests.leave(number)
            throw error
        }
        return number
    }

    private mutating func begin(
        _ append: UploadAppend, on upload: ResumableUpload, length: Int64?, _ head: [UInt8], _ place: Int,
        as number: Int, _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) {
        let rule = try UploadRule(
            resuming: upload.with(length: length), head: head, acceptance: settings.acceptance,
            limitBytes: settings.blobLimitBytes)
        if upload.length == nil {
            try admit(upload, length: length, at: place, settings, now)
            if let length {
                guard hasRoom(length - upload.offset, settings) else { throw .diskFull }
            }
            resize(place, to: length, written: upload.offset)
        }
        sessions[number] = Session(
            announcement: upload.announcement, place: place, rule: rule,
            continued: Continued(upload: upload, length: length, checksum: append.checksum, latest: now))
        openUploads[upload.id]?.session = number
    }

    /// An upload whose length was not announced is judged by it when it is, else by what it has.
    private func admit(
        _ upload: ResumableUpload, length: Int64?, at place: Int, _ settings: MemoryStoreSettings, _ now: Timestamp
    ) throws(StoreError) {
        try judge(
            AdmitLease(
                address: upload.announcement.address, size: length ?? upload.offset, terms: upload.announcement.terms,
                bytesUnderWay: bytesOfOthers(than: place), limits: settings.limits), at: now)
    }

    /// Writes down what a session brought, and ends it.
    mutating func keep(_ number: Int, _ settings: MemoryStoreSettings, at now: Timestamp) throws(StoreError) {
        guard let session = sessions[number], let continued = session.continued else { return }
        let upload = continued.upload
        // A request that brings nothing is no progress, and postpones no end.
        if !session.bytes.isEmpty || continued.length != upload.length {
            let whole = stored(upload) + session.bytes
            try commit(
                AdvanceUpload(
                    id: upload.id, offset: Int64(whole.count), length: continued.length,
                    lifetime: settings.uploadLifetime), at: now)
            staged[upload.id] = whole
        }
        end(number)
    }

    /// Ends a session; what it brought does not count unless it is written down.
    mutating func end(_ number: Int) {
        requests.leave(number)
        guard let id = sessions.removeValue(forKey: number)?.continued?.upload.id, let open = openUploads[id] else {
            return
        }
        openUploads[id]?.session = nil
        // What is charged for an upload of unknown length is what it has.
        if let upload = catalog.uploads[id] { resize(open.place, to: upload.length, written: upload.offset) }
    }

    /// Makes the upload a blob. Where it could not be now, all of its bytes stay.
    mutating func finish(
        _ number: Int, _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) -> StoredBlob {
        guard let session = sessions[number], let upload = session.continued?.upload else { throw .superseded }
        try session.rule.finish()
        try session.verify()
        do throws(StoreError) {
            let blob = try commit(
                stored(upload) + session.bytes, session.announcement, at: session.place, settings,
                resumable: (upload.id, settings.finishedUploadLifetime), at: now)
            forget(upload.id)
            return blob
        } catch {
            if !error.isFinalForUpload { try keep(number, settings, at: now) }
            throw error
        }
    }

    /// What of an upload's bytes the client was told of.
    private func stored(_ upload: ResumableUpload) -> [UInt8] {
        Array((staged[upload.id] ?? []).prefix(Int(upload.offset)))
    }

    // MARK: Ends

    mutating func refuse(
        _ upload: ResumableUpload, because error: StoreError, _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) {
        try commit(
            RefuseUpload(
                id: upload.id, of: upload.announcement.terms.subject, because: error,
                lifetime: settings.finishedUploadLifetime), at: now)
        forget(upload.id)
    }

    /// Forgets the upload, whatever its state.
    mutating func drop(_ id: UploadID, at now: Timestamp) throws(StoreError) {
        try commit(DropUpload(id: id), at: now)
        forget(id)
    }

    /// Gives back all that an upload had, which is open no more.
    private mutating func forget(_ id: UploadID) {
        staged[id] = nil
        kept.leave(id)
        guard let open = openUploads.removeValue(forKey: id) else { return }
        places[open.place] = nil
        if let number = open.session { end(number) }
    }

    /// Whether bytes have come not long ago: then the upload's time is not up, whatever is written down.
    func isAlive(_ id: UploadID, _ settings: MemoryStoreSettings, at now: Timestamp) -> Bool {
        guard let number = openUploads[id]?.session, let latest = sessions[number]?.continued?.latest else {
            return false
        }
        return latest.advanced(by: settings.uploadLifetime) > now
    }
}

extension MemoryState.Session {
    /// Throws `.wrongChecksum` if what this session brought does not add up.
    func verify() throws(StoreError) {
        guard let checksum = continued?.checksum else { return }
        var hasher = ChecksumHasher(checksum.algorithm)
        hasher.update(bytes)
        guard hasher.matches(checksum) else { throw .wrongChecksum }
    }
}

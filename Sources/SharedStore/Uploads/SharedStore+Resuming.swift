package import Blobs
import Files
import Logging
import Objects
import SharedCatalog
package import Store
import StoreParts
import StoreRules
import Synchronization

extension SharedStore {
    package var blobLimitBytes: Int64 { settings.blobLimitBytes }

    package func create(_ announcement: UploadAnnouncement) async throws(StoreError) -> ResumableUpload {
        let (slot, request, before, _) = try admitUnseen(announcement)
        defer {
            uploads.leave(request)
            slot.giveBack()
        }
        let (id, subject, limits) = (UploadID.random(), announcement.terms.subject, leaseLimits)
        let (turns, settings, uploads) = (turns, settings, uploads)
        let change = { @Sendable (others: UploadTable.Share) in
            KeepUpload(
                id: id, announcement: announcement, lifetime: settings.uploadLifetime,
                bytesUnderWay: others.judged + turns.bytesTold(of: subject), uploadsUnderWay: others.uploads,
                limitPerSubject: settings.openUploadsPerSubject, limits: limits)
        }
        // Nobody loses a place to one that is refused.
        _ = try await catalog.judge(change(before))
        let list = ObjectID.new(at: now())
        let expires = try await places.withPlace(for: subject, in: self) { () async throws(StoreError) in
            try await make {
                // Its own is among those on this node.
                let own = slot.bytesOfOthers
                return change(.init(uploads: uploads.share(of: subject).uploads - 1, bytes: own, judged: own))
            } objects: { (_, page) throws(StoreError) in
                slot.settle()
                page[upload: id] = UploadObjects(list: list, turn: 0)
            }.outcome
        }
        try reach(committed: .uploadCreated)
        return ResumableUpload(
            id: id, state: .open, length: announcement.size, offset: 0, announcement: announcement, expires: expires)
    }

    package func upload(_ id: UploadID) async throws(StoreError) -> ResumableUpload {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in try await takeTurn(at: id).0 }
    }

    package func resume(_ id: UploadID, with append: UploadAppend) async throws(StoreError) -> Resumption {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            let (upload, objects) = try await takeTurn(at: id)
            guard let objects else { return .finished(upload) }
            let length = try ResumptionRule.length(of: upload, with: append, limitBytes: settings.blobLimitBytes)
            return .ready(try await begin(upload, objects, length: length, append))
        }
    }

    package func cancel(_ id: UploadID) async throws(StoreError) {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            let turn = turns[id]
            _ = try await make(CancelUpload(id: id, isAlive: isReceiving(id)))
            await turn?.endAbandoned()
            try reach(committed: .uploadDropped)
        }
    }

    /// Forgets a kept upload whose place another one takes.
    func giveUp(_ id: UploadID) async throws(StoreError) {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            _ = try await make(DropOpenUpload(id: id))
            await turns[id]?.endAbandoned()
        }
    }

    /// Forgets an upload that has lost bytes, if it is open and no newer request has been at it: that one may have taken
    /// objects together, and has all bytes. Called under its lock.
    func drop(_ id: UploadID, at turn: Int64) async throws(StoreError) {
        _ = try await make {
            DropOpenUpload(id: id)
        } objects: { (_, page) throws(StoreError) in
            if let now = page[upload: id]?.turn, now != turn { throw .superseded }
        }
        await turns[id]?.endAbandoned()
    }

    /// Whether a request of this node has brought bytes of an upload within its lifetime: then its time is not up, whatever
    /// its row says.
    func isReceiving(_ id: UploadID) -> Bool { turns[id]?.isAlive(at: now()) ?? false }

    // MARK: Steps, each under the upload's lock

    /// Ends whatever request is at an upload, on this node or another, and gives it as it stands then: with its objects if
    /// it is open. Throws `.notFound` if it has expired.
    private func takeTurn(at id: UploadID) async throws(StoreError) -> (ResumableUpload, UploadObjects?) {
        // What it brought counts.
        await turns[id]?.supersede()
        let taken = Mutex<UploadObjects?>(nil)
        let upload = try await make {
            LookAtUpload(id: id)
        } objects: { (upload, page) throws(StoreError) in
            var objects = page[upload: id]
            if case .open = upload.state {
                objects?.turn += 1
                page[upload: id] = objects
            } else {
                objects = nil
            }
            taken.withLock { $0 = objects }
        }.outcome
        guard upload.expires > now() else { throw .notFound }
        try reach(.turnTaken)
        return (upload, taken.withLock { $0 })
    }

    private func begin(
        _ upload: ResumableUpload, _ objects: UploadObjects, length: Int64?, _ append: UploadAppend
    ) async throws(StoreError) -> SharedTurn {
        if upload.length == nil { try await judge(upload, length: length) }
        let rows = try await catalog.read { reader throws(SharedCatalogError) in try reader.parts(of: objects.list) }
        let head = try await head(of: upload, objects, rows)
        let rule = try UploadRule(resuming: upload.with(length: length), head: head, settings: settings.store)
        let hasher = upload.offset == 0 ? BlobHasher() : turns.takeDigest(of: upload.id, at: upload.offset)
        let request = try uploads.addRequest(of: upload.announcement.terms.subject)
        let turn = SharedTurn(
            upload, objects, rows: rows, length: length, request: request, rule: rule, hasher: hasher,
            checksum: append.checksum, in: self)
        turns.begin(turn)
        return turn
    }

    /// Judges an upload without an announced length again: by its length if that is known now, else by its bytes so far.
    private func judge(_ upload: ResumableUpload, length: Int64?) async throws(StoreError) {
        if let length { _ = try UploadRule(announced: length, settings: settings.store) }
        let subject = upload.announcement.terms.subject
        try await catalog.judge(
            AdmitLease(
                address: upload.announcement.address, size: length ?? upload.offset, terms: upload.announcement.terms,
                bytesUnderWay: uploads.share(of: subject).judged + turns.bytesTold(of: subject, except: upload.id),
                resumed: upload.id, limits: leaseLimits))
    }

    /// The first bytes of an upload, as many as there are, where they are too few to have been judged; else nil.
    private func head(
        of upload: ResumableUpload, _ objects: UploadObjects, _ rows: [ObjectRow]
    ) async throws(StoreError) -> [UInt8]? {
        let wanted = settings.acceptance.tellingBytes
        if upload.offset >= wanted { return nil }
        var head: [UInt8] = []
        for row in rows {
            guard let bytes = try await bytes(of: row) else {
                logger.error("A resumable upload has lost bytes", metadata: ["upload": "\(upload.id.hex.prefix(8))"])
                try await drop(upload.id, at: objects.turn)
                throw .notFound
            }
            head += bytes
        }
        return head
    }
}

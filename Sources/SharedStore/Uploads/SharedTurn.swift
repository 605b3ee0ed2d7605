import Blobs
import Logging
import SharedCatalog
import Store
import StoreParts
import StoreRules
import Synchronization

/// One request's turn at an upload that outlives it.
///
/// Each step is taken under the upload's lock on this node, which is never held while waiting for a client; so a newer
/// request here can end this one between any two pieces. One on another node raises the number of the turn, and then
/// nothing that this one does changes a row any more.
final class SharedTurn: ResumableSession {
    private struct State {
        /// What a step hears once the request is over.
        var end: StoreError?
        /// When the last bytes arrived.
        var latest: Timestamp
    }

    let upload: ResumableUpload
    private let store: SharedStore
    /// The length of the whole, if it is known by now.
    private let length: Int64?
    private let writer: ObjectWriter
    private let parts: KeptParts
    private let state: Mutex<State>

    /// - Parameters:
    ///   - rows: the objects of the upload, in their order.
    ///   - request: the number of the request among those in progress.
    ///   - hasher: the digest of what is there; nil if it is not known here.
    init(
        _ upload: ResumableUpload, _ objects: UploadObjects, rows: [ObjectRow], length: Int64?, request: Int,
        rule: UploadRule, hasher: BlobHasher?, checksum: UploadChecksum?, in store: SharedStore
    ) {
        let parts = KeptParts(upload, objects, rows: rows, length: length, in: store)
        self.store = store
        self.upload = upload
        self.length = length
        self.parts = parts
        state = Mutex(State(latest: store.now()))
        writer = ObjectWriter(
            request: request, rule: rule, announced: length.map { $0 - upload.offset }, hasher: hasher,
            isFirst: upload.offset == 0, checksum: checksum, in: store
        ) { bytes async throws(StoreError) in
            try await parts.put(bytes)
            // With a checksum they count all together or not at all.
            if checksum == nil { try await parts.note() }
        }
        writer.offerPlace { [weak self] in await self?.losePlace() }
        tellLength()
    }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        try await step { () async throws(StoreError) in
            do throws(StoreError) {
                try writer.judge(bytes)
                state.withLock { $0.latest = store.now() }
                try await writer.take(bytes)
            } catch {
                if error == .noPlaceInProgress {
                    await supersede(because: error)
                    throw error
                }
                end()
                throw await settle(error)
            }
        }
    }

    func pause() async throws(StoreError) -> ResumableUpload {
        try await step { () async throws(StoreError) in try await endPaused() }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        try await step { () async throws(StoreError) in
            end()
            writer.holdPlace()
            do throws(StoreError) {
                let blob = try await finish()
                await writer.close()
                store.turns.end(self)
                return blob
            } catch {
                throw await settle(error)
            }
        }
    }

    func abandon() async {
        await store.uploadLocks.withLock(upload.id) {
            if state.withLock({ $0.end == nil }) { await endAbandoned() }
        }
    }

    /// Its place went to another request. What it brought counts, as for a newer request.
    private func losePlace() async {
        await store.uploadLocks.withLock(upload.id) {
            if state.withLock({ $0.end == nil }) { await supersede(because: .noPlaceInProgress) }
        }
    }

    // MARK: Called under the upload's lock

    /// Ends this request for another. What it brought counts as far as it can be made durable.
    func supersede(because reason: StoreError = .superseded) async {
        end(because: reason)
        if writer.checksum == nil { _ = try? await endPaused() } else { await endAbandoned() }
    }

    /// Ends this request; what it brought and the catalog does not know is dropped.
    func endAbandoned() async {
        end()
        await release()
    }

    /// Whether bytes arrived within the upload's lifetime: then it has not expired, whatever its row says.
    func isAlive(at now: Timestamp) -> Bool {
        state.withLock { $0.latest }.advanced(by: store.settings.uploadLifetime) > now
    }

    // MARK: Steps

    private func step<Value>(_ body: () async throws(StoreError) -> Value) async throws(StoreError) -> Value {
        try await store.uploadLocks.withLock(upload.id) { () async throws(StoreError) in
            if let end = state.withLock({ $0.end }) { throw end }
            return try await body()
        }
    }

    private func end(because reason: StoreError = .superseded) { state.withLock { $0.end = $0.end ?? reason } }

    /// A length that no row says yet is charged on this node.
    private func tellLength() {
        let known = parts.upload
        let wanted = length.map { min(Usage.bytes(for: $0), ResumableUpload.keptBytesLimit) }
        let bytes = known.length == nil ? (wanted ?? 0) - known.keptBytes : 0
        store.turns.tell(bytes, of: upload.id, by: upload.announcement.terms.subject)
    }

    private func endPaused() async throws(StoreError) -> ResumableUpload {
        end()
        do throws(StoreError) {
            let last = try await writer.takeObject()
            try writer.verifyChecksum()
            try await writer.waitForDelivery()
            // A request that brings nothing does not postpone the upload's expiry.
            if writer.received != upload.offset || length != upload.length {
                var replaced: [ObjectRow] = []
                if let last { replaced = try await parts.putLast(last) }
                try await parts.note(replacing: replaced)
            }
        } catch {
            throw await settle(error)
        }
        await release()
        return parts.upload
    }

    /// Verifies the whole and makes it a blob.
    private func finish() async throws(StoreError) -> StoredBlob {
        try writer.finish()
        let last = try await writer.takeObject()
        try writer.verifyChecksum()
        try await writer.waitForDelivery()
        let known = writer.hasher?.address()
        if let known { try upload.announcement.verify(known) }
        // A blob of no bytes has an object too.
        if let last = last ?? (parts.storedBytes == 0 ? .empty : nil) {
            try await store.objectsUnderWay.count { () async throws(StoreError) in try await parts.put(last) }
        }
        do throws(StoreError) {
            let address: BlobAddress
            if let known { address = known } else { address = try await addressOfAll() }
            return try await parts.commit(as: address)
        } catch {
            // All of it is there: only its end has to be tried again.
            let isOver = error.isFinalForUpload || [.outcomeUnknown, .superseded, .notFound].contains(error)
            if !isOver { try? await parts.note() }
            throw error
        }
    }

    /// The address of the whole, read once more since this node has not seen all of it.
    private func addressOfAll() async throws(StoreError) -> BlobAddress {
        try await parts.note()
        guard let address = try await parts.address() else {
            store.logger.error(
                "A resumable upload has lost bytes", metadata: ["upload": "\(upload.id.hex.prefix(8))"])
            throw .notFound
        }
        try upload.announcement.verify(address)
        return address
    }

    // MARK: Ends

    /// Ends the upload if it can never be taken, or has lost bytes, else only this request. Returns the error.
    private func settle(_ error: StoreError) async -> StoreError {
        // Too many bytes for the announced length are the request's mistake; too many for the store are the upload's.
        let isMoreThanAnnounced = if case .tooLarge = error { length != nil } else { false }
        let isForGood = error.isFinalForUpload && !isMoreThanAnnounced
        await release()
        // Where that fails, it stays open and ends so when it is resumed.
        if isForGood { try? await parts.refuse(because: error) }
        if error == .notFound { try? await store.drop(upload.id, at: parts.turn) }
        return error
    }

    /// Drops what the catalog does not know, and leaves the upload to the next request: with the digest, if it is that of
    /// the bytes that the catalog knows.
    private func release() async {
        let received = writer.received
        await writer.close()
        parts.discard()
        let offset = parts.upload.offset
        store.turns.end(self, received == offset ? writer.hasher : nil, at: offset)
    }
}

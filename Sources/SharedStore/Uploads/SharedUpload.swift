import Blobs
import Store
import StoreParts
import StoreRules
import Synchronization

/// An upload in one request: nothing is said of it anywhere before it is committed. Its objects are nobody's otherwise.
final class SharedUpload: UploadSession {
    private let store: SharedStore
    private let announcement: UploadAnnouncement
    private let slot: UploadSlot
    private let writer: ObjectWriter
    private let parts: PlainParts
    private let began: Timestamp
    /// Whether its place went to another request.
    private let hasLostPlace = Atomic(false)

    init(
        _ announcement: UploadAnnouncement, _ slot: UploadSlot, request: Int, rule: UploadRule, in store: SharedStore
    ) {
        let parts = PlainParts()
        self.store = store
        self.announcement = announcement
        self.slot = slot
        self.parts = parts
        began = store.now()
        writer = ObjectWriter(request: request, rule: rule, announced: announcement.size, in: store) {
            bytes async throws(StoreError) in
            parts.add(try await store.put(bytes))
        }
        writer.offerPlace { [weak self] in await self?.losePlace() }
    }

    deinit { slot.giveBack() }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        do throws(StoreError) {
            try writer.judge(bytes)
            // The names of its first objects would soon be too old for a row.
            guard store.now().secondsSince(began) < ObjectRule.uploadSeconds else { throw StoreError.tookTooLong }
            try await slot.prepare(for: Int64(bytes.count)) { size, others async throws(StoreError) in
                try await store.judge(announcement, size: size, bytesUnderWay: others)
            }
            slot.wrote(Int64(bytes.count))
            try await writer.take(bytes)
        } catch {
            throw await end(error)
        }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        do throws(StoreError) {
            guard writer.holdPlace() else { throw StoreError.noPlaceInProgress }
            let blob = try await finish()
            await writer.close()
            slot.giveBack()
            return blob
        } catch {
            throw await end(error)
        }
    }

    /// Hash, verify, put, commit.
    private func finish() async throws(StoreError) -> StoredBlob {
        try writer.finish()
        let last = try await writer.takeObject()
        guard let address = writer.hasher?.address() else { throw .uploadIsOver }
        try announcement.verify(address)
        try await writer.waitForDelivery()
        // A blob of no bytes has an object too.
        if let last = last ?? (parts.objects.isEmpty ? .empty : nil) {
            let object = try await store.objectsUnderWay.count { () async throws(StoreError) in
                try await store.put(last)
            }
            parts.add(object)
        }
        return try await store.commit(
            announcement, as: address, size: writer.received, parts.objects, slot)
    }

    func abandon() async {
        await writer.close()
        slot.giveBack()
        store.discard(parts.take())
    }

    private func losePlace() async {
        hasLostPlace.store(true, ordering: .relaxed)
        await abandon()
    }

    /// Ends it, and returns why: what fails behind the loss of its place fails because of that.
    private func end(_ error: StoreError) async -> StoreError {
        // Perhaps its objects are a blob's.
        if error == .outcomeUnknown { _ = parts.take() }
        await abandon()
        return hasLostPlace.load(ordering: .relaxed) ? .noPlaceInProgress : error
    }
}

/// The objects of an upload in one request, in their order.
private final class PlainParts: Sendable {
    private let state = Mutex<[StoredObject]>([])

    var objects: [StoredObject] { state.withLock { $0 } }

    func add(_ object: StoredObject) { state.withLock { $0.append(object) } }

    /// Gives them away.
    func take() -> [StoredObject] {
        state.withLock { state in
            defer { state = [] }
            return state
        }
    }
}

extension ObjectBytes {
    /// Of a blob without bytes.
    static let empty = ObjectBytes(place: .memory([]), size: 0, digest: BlobAddress(of: []))
}

extension UploadAnnouncement {
    /// Throws `.digestMismatch` for another address than the one announced.
    func verify(_ actual: BlobAddress) throws(StoreError) {
        if let address, address != actual { throw .digestMismatch(announced: address, actual: actual) }
    }
}

extension StoreError {
    /// By the time that all bytes were here, the first objects had names too old for a row.
    static let tookTooLong = StoreError.unavailable("the upload took too long")
}

import BlobFiles
import Blobs
import Files
import SharedCatalog
import Store
import StoreParts
import StoreRules
import Synchronization

/// The objects of a kept upload, as one request knows them: those that the catalog has, and those that it has brought
/// since. Every step is undone where a newer request has taken its turn.
final class KeptParts: Sendable {
    private struct State {
        /// The upload as the catalog has it.
        var upload: ResumableUpload
        /// Its objects in the catalog, in their order.
        var rows: [ObjectRow]
        /// Objects that follow them, and that the catalog does not know.
        var unknown: [StoredObject] = []
    }

    private let store: SharedStore
    private let objects: UploadObjects
    /// The length of the whole, if it is known by now.
    private let length: Int64?
    private let state: Mutex<State>

    init(
        _ upload: ResumableUpload, _ objects: UploadObjects, rows: [ObjectRow], length: Int64?, in store: SharedStore
    ) {
        self.store = store
        self.objects = objects
        self.length = length
        state = Mutex(State(upload: upload, rows: rows))
    }

    /// The turn that the request has.
    var turn: Int64 { objects.turn }

    /// The upload as the catalog has it by now.
    var upload: ResumableUpload { state.withLock { $0.upload } }

    /// Bytes that there are, whether or not the catalog knows of all of them.
    var storedBytes: Int64 {
        state.withLock { state in state.unknown.reduce(state.upload.offset) { $0 + $1.size } }
    }

    // MARK: Coming

    /// Puts bytes that follow what there is, of which the catalog is told later.
    func put(_ bytes: ObjectBytes) async throws(StoreError) {
        let object = try await store.put(bytes)
        state.withLock { $0.unknown.append(object) }
    }

    /// Puts the last bytes of a request. Where there are few, and before them fifteen objects of few bytes, all of them
    /// become one object: returns those that it stands for.
    func putLast(_ bytes: ObjectBytes) async throws(StoreError) -> [ObjectRow] {
        let (rows, isKnown) = state.withLock { ($0.rows, $0.unknown.isEmpty) }
        let few = isKnown ? SmallParts.before(bytes.size, in: rows.map(\.size)) : 0
        if few > 0, try await putMerged(Array(rows.suffix(few)), with: bytes) { return Array(rows.suffix(few)) }
        try await put(bytes)
        return []
    }

    /// Puts small objects and the bytes that follow them as one; false where their bytes cannot be had, which is not for now
    /// to say.
    private func putMerged(_ rows: [ObjectRow], with bytes: ObjectBytes) async throws(StoreError) -> Bool {
        try await store.putBudget.withBytes(ObjectRow.limitBytes) { () async throws(StoreError) in
            guard let whole = try await merge(rows, with: bytes) else { return false }
            try await put(whole)
            return true
        }
    }

    private func merge(_ rows: [ObjectRow], with last: ObjectBytes) async throws(StoreError) -> ObjectBytes? {
        var bytes: [UInt8] = []
        for row in rows {
            guard let more = try? await store.bytes(of: row) else { return nil }
            bytes += more
        }
        switch last.place {
        case .memory(let more): bytes += more
        case .file(let file):
            bytes += try await store.workers.run { () throws(StoreError) in try file.read(Int(last.size)) }
        }
        let all = bytes
        let digest = try await store.workers.run { () throws(StoreError) in BlobAddress(of: all) }
        return ObjectBytes(place: .memory(all), size: Int64(all.count), digest: digest)
    }

    // MARK: Telling the catalog

    /// Tells the catalog of all objects that it does not know. In the same transaction `replaced`, the last that it knows,
    /// make way for the first of them.
    func note(replacing replaced: [ObjectRow] = []) async throws(StoreError) {
        let (upload, rows, unknown) = state.withLock { ($0.upload, $0.rows, $0.unknown) }
        let (id, subject, turn, list) = (upload.id, upload.announcement.terms.subject, objects.turn, objects.list)
        let next = rows.dropLast(replaced.count).last.map { $0.number + 1 } ?? 0
        let added = unknown.enumerated().map { ObjectRow($1, in: list, number: next + $0) }
        let end = added.reduce(upload.offset) { $0 + $1.size } - replaced.reduce(0) { $0 + $1.size }
        let (length, lifetime, limits) = (length, store.settings.uploadLifetime, store.leaseLimits)
        let (uploads, turns) = (store.uploads, store.turns)
        let moved = try await commit {
            NameObjects(
                added.map(\.id),
                then: MoveUpload(
                    upload: upload, start: upload.offset, end: end, length: length, lifetime: lifetime,
                    bytesUnderWay: uploads.share(of: subject).judged + turns.bytesTold(of: subject, except: id),
                    limits: limits))
        } objects: { (_, page) throws(StoreError) in
            guard page[upload: id]?.turn == turn else { throw .superseded }
            for row in replaced { page.remove(row) }
            for row in added { page.add(row) }
        }.outcome
        state.withLock { state in
            state.upload = moved
            state.rows.removeLast(replaced.count)
            state.rows += added
            state.unknown = []
        }
        // By now its row says its length.
        if moved.length != nil { turns.tell(0, of: id, by: subject) }
        try store.reach(committed: .uploadMoved)
    }

    /// Makes all of it a blob. What is not known to the catalog yet comes to be in the same transaction.
    func commit(as address: BlobAddress) async throws(StoreError) -> StoredBlob {
        let (upload, rows, unknown) = state.withLock { ($0.upload, $0.rows, $0.unknown) }
        let (id, terms, turn, list) = (upload.id, upload.announcement.terms, objects.turn, objects.list)
        let next = rows.last.map { $0.number + 1 } ?? 0
        let added = unknown.enumerated().map { ObjectRow($1, in: list, number: next + $0) }
        let only = rows.count + added.count == 1 ? rows.first ?? added.first : nil
        let size = added.reduce(upload.offset) { $0 + $1.size }
        let (lifetime, limits) = (store.settings.finishedUploadLifetime, store.leaseLimits)
        let (uploads, turns) = (store.uploads, store.turns)
        let end = { @Sendable in
            NameObjects(
                added.map(\.id),
                then: EndUpload(
                    id: id, start: upload.offset,
                    change: CommitUpload(
                        address: address, size: size, terms: terms,
                        bytesUnderWay: uploads.share(of: terms.subject).judged
                            + turns.bytesTold(of: terms.subject, except: id),
                        limits: limits, bytes: .asRecorded, resumable: (id, lifetime))))
        }
        let committed = try await commit(end, patience: store.objectsUnderWay.patience) {
            (_, page) throws(StoreError) in
            guard page[upload: id]?.turn == turn else { throw .superseded }
            for row in added { page.add(row) }
            if let only {
                page.adopt(only)
                page.hold(address, by: BlobObject(id: only.id, isList: false))
            } else {
                page.hold(address, by: BlobObject(id: list, isList: true))
            }
        }
        state.withLock { $0.unknown = [] }
        try store.reach(committed: .uploadFinished)
        return committed.outcome
    }

    /// Makes a change that names objects which the catalog does not know. Where its outcome is unknown they are perhaps
    /// named by now, and are never let go of.
    private func commit<Change: CatalogChange>(
        _ change: @escaping @Sendable () -> Change, patience: Duration = .zero,
        objects: @escaping @Sendable (Change.Outcome, inout ObjectPage) throws(StoreError) -> Void
    ) async throws(StoreError) -> Committed<Change.Outcome> {
        do throws(StoreError) {
            return try await store.make(change, patience: patience, objects: objects)
        } catch {
            if error == .outcomeUnknown { state.withLock { $0.unknown = [] } }
            throw error
        }
    }

    /// Writes down that it can never be taken.
    func refuse(because error: StoreError) async throws(StoreError) {
        let upload = upload
        let (id, turn) = (upload.id, objects.turn)
        let refusal = RefuseUpload(
            id: id, of: upload.announcement.terms.subject, because: error,
            lifetime: store.settings.finishedUploadLifetime)
        _ = try await store.make {
            EndUpload(id: id, start: upload.offset, change: refusal)
        } objects: { (_, page) throws(StoreError) in
            guard page[upload: id]?.turn == turn else { throw .superseded }
        }
        try store.reach(committed: .uploadRefused)
    }

    // MARK: Ends

    /// The address of all bytes that the catalog knows, which are read once more; nil where some are not what they were.
    func address() async throws(StoreError) -> BlobAddress? {
        let rows = state.withLock { $0.rows }
        var hasher = BlobHasher()
        for row in rows {
            let bytes = try await store.putBudget.withBytes(row.size) { () async throws(StoreError) in
                try await store.bytes(of: row)
            }
            guard let bytes else { return nil }
            let before = hasher
            hasher = try await store.workers.run { () throws(StoreError) in
                var hasher = before
                hasher.update(bytes)
                return hasher
            }
        }
        return hasher.address()
    }

    /// Lets go of objects that the catalog does not know.
    func discard() {
        let unknown = state.withLock { state in
            defer { state.unknown = [] }
            return state.unknown
        }
        store.discard(unknown)
    }
}

/// Which objects of a kept upload are so small that it pays to write them anew as one: a client that sends byte by byte
/// costs a few copies, and not an object for each byte.
enum SmallParts {
    /// So many in a row become one.
    static let count: Int64 = 16
    /// An object is small below this size: all of them fit into one.
    static let limitBytes = ObjectRow.limitBytes / count

    /// How many of the last of these objects become one with what follows; 0 for none.
    static func before(_ next: Int64, in sizes: [Int64]) -> Int {
        let few = Int(count) - 1
        guard next < limitBytes, sizes.count >= few, sizes.suffix(few).allSatisfy({ $0 < limitBytes }) else { return 0 }
        return few
    }
}

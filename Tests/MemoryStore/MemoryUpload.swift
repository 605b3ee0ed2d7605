import Blobs
package import Store
import StoreRules

extension MemoryStore {
    package func preflight(_ announcement: UploadAnnouncement) async throws(StoreError) {
        try use { state, now throws(StoreError) in
            var trial = state.trial
            _ = try trial.admit(announcement, settings, at: now)
        }
    }

    package func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession {
        let number = try use { state, now throws(StoreError) in
            let (rule, place) = try state.admit(announcement, settings, at: now)
            let number = state.newNumber()
            state.sessions[number] = .init(announcement: announcement, place: place, rule: rule)
            return number
        }
        return MemoryUpload(store: self, number: number)
    }
}

/// One upload that lives for one request.
private final class MemoryUpload: UploadSession {
    private let store: MemoryStore
    private let number: Int

    init(store: MemoryStore, number: Int) {
        self.store = store
        self.number = number
    }

    deinit { release() }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        do throws(StoreError) {
            try store.use { state, _ throws(StoreError) in try state.take(bytes, in: number, store.settings) }
        } catch {
            release()
            throw error
        }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        defer { release() }
        return try store.use { state, now throws(StoreError) in
            guard let session = state.sessions[number] else { throw StoreError.uploadIsOver }
            try session.rule.finish()
            return try state.commit(session.bytes, session.announcement, store.settings, at: now)
        }
    }

    func abandon() async { release() }

    private func release() {
        try? store.use { state, _ in
            guard let session = state.sessions.removeValue(forKey: number) else { return }
            state.places[session.place] = nil
        }
    }
}

extension StoreError {
    fileprivate static var uploadIsOver: StoreError { .unavailable("the upload is over") }
}

extension MemoryState {
    /// Takes the next bytes of a session, or throws and takes none.
    mutating func take(_ bytes: [UInt8], in number: Int, _ settings: MemoryStoreSettings) throws(StoreError) {
        guard let session = sessions[number] else { throw .uploadIsOver }
        var rule = session.rule
        try rule.take(bytes)
        // A length that is known has its room already.
        let length = session.continued?.length ?? session.announcement.size
        if length == nil, !hasRoom(Int64(bytes.count), settings) { throw .diskFull }
        sessions[number]?.rule = rule
        sessions[number]?.bytes += bytes
    }

    /// Makes bytes a blob with a lease, and of an upload that outlives its requests the row.
    mutating func commit(
        _ bytes: [UInt8], _ announcement: UploadAnnouncement, _ settings: MemoryStoreSettings,
        resumable: (id: UploadID, lifetime: Lifetime)? = nil, at now: Timestamp
    ) throws(StoreError) -> StoredBlob {
        var hasher = BlobHasher()
        hasher.update(bytes)
        let address = hasher.address()
        if let announced = announcement.address, announced != address {
            throw .digestMismatch(announced: announced, actual: address)
        }
        let stored = try commit(
            CommitUpload(
                address: address, size: Int64(bytes.count), terms: announcement.terms, limits: settings.limits,
                fileSize: fileSize(address), resumable: resumable), at: now)
        if stored.isNew { blobs[address] = bytes }
        return stored
    }
}

import Blobs
package import Store
import StoreRules

extension MemoryStore {
    package func preflight(_ announcement: UploadAnnouncement) async throws(StoreError) {
        try use { state, now throws(StoreError) in
            var trial = state.trial
            _ = try trial.admit(announcement, as: trial.newNumber(), settings, at: now)
        }
    }

    package func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession {
        let number = try use { state, now throws(StoreError) in
            let number = state.newNumber()
            let (rule, place) = try state.admit(announcement, as: number, settings, at: now)
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
            try store.use { state, now throws(StoreError) in
                try state.take(bytes, in: number, store.settings, at: now)
            }
        } catch {
            release()
            throw error
        }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        defer { release() }
        return try store.use { state, now throws(StoreError) in
            guard let session = state.sessions[number] else { throw state.isOver(number) }
            try session.rule.finish()
            return try state.commit(
                session.bytes, session.announcement, at: session.place, store.settings, at: now)
        }
    }

    func abandon() async { release() }

    private func release() {
        try? store.use { state, _ in
            state.requests.leave(number)
            guard let session = state.sessions.removeValue(forKey: number) else { return }
            state.places[session.place] = nil
        }
    }
}

extension MemoryState {
    /// What a session hears that is over.
    fileprivate func isOver(_ number: Int) -> StoreError {
        lost.contains(number) ? .noPlaceInProgress : .unavailable("the upload is over")
    }

    /// Takes the next bytes of a session, or throws and takes none.
    mutating func take(
        _ bytes: [UInt8], in number: Int, _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) {
        guard let session = sessions[number] else { throw isOver(number) }
        let standing = UploadStanding(hasBytes: true, latest: now)
        requests.rank(number, standing)
        if let continued = session.continued { kept.rank(continued.upload.id, standing) }
        var rule = session.rule
        try rule.take(bytes)
        // A length that is known has its room already.
        if session.continued?.length ?? session.announcement.size == nil {
            try judge(
                AdmitLease(
                    address: session.announcement.address, size: rule.received, terms: session.announcement.terms,
                    bytesUnderWay: bytesOfOthers(than: session.place), limits: settings.limits), at: now)
            guard hasRoom(Int64(bytes.count), settings) else { throw .diskFull }
            resize(session.place, to: nil, written: rule.received)
        }
        sessions[number]?.rule = rule
        sessions[number]?.bytes += bytes
    }

    /// Makes bytes a blob with a lease, and of an upload that outlives its requests the row.
    mutating func commit(
        _ bytes: [UInt8], _ announcement: UploadAnnouncement, at place: Int, _ settings: MemoryStoreSettings,
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
                address: address, size: Int64(bytes.count), terms: announcement.terms,
                bytesUnderWay: bytesOfOthers(than: place), limits: settings.limits, bytes: .file(fileSize(address)),
                resumable: resumable), at: now)
        if stored.isNew { blobs[address] = bytes }
        return stored
    }
}

package import Blobs
package import Store
import StoreRules

extension MemoryStore: LeaseStore {
    package var blobLimitBytes: Int64 { settings.blobLimitBytes }

    package func create(_ announcement: UploadAnnouncement) async throws(StoreError) -> ResumableUpload {
        try use { state, now throws(StoreError) in
            let (id, request) = (UploadID.random(), state.newNumber())
            let place = try state.admit(announcement, keeping: id, as: request, settings, at: now).place
            state.requests.leave(request)
            _ = try state.commit(
                CreateUpload(id: id, announcement: announcement, lifetime: settings.uploadLifetime), at: now)
            state.staged[id] = []
            state.openUploads[id] = .init(place: place)
            state.kept.rank(id, UploadStanding(hasBytes: false, latest: now))
            return try state.known(id)
        }
    }

    package func upload(_ id: UploadID) async throws(StoreError) -> ResumableUpload {
        try use { state, now throws(StoreError) in try state.idle(id, settings, at: now) }
    }

    package func resume(
        _ id: UploadID, with append: UploadAppend
    ) async throws(StoreError) -> Resumption {
        try use { state, now throws(StoreError) in
            let upload = try state.idle(id, settings, at: now)
            guard upload.isOpen else { return .finished(upload) }
            let number = try state.begin(append, on: upload, settings, at: now)
            return .ready(MemoryTurn(store: self, number: number, upload: upload))
        }
    }

    package func cancel(_ id: UploadID) async throws(StoreError) {
        try use { state, now throws(StoreError) in
            let upload = try state.known(id)
            guard upload.expires > now || state.isAlive(id, settings, at: now) else { throw .notFound }
            try state.drop(id, at: now)
        }
    }
}

/// One request's part of an upload that outlives it. It may be over any time: then its session is not there.
private final class MemoryTurn: ResumableSession {
    let upload: ResumableUpload
    private let store: MemoryStore
    private let number: Int

    init(store: MemoryStore, number: Int, upload: ResumableUpload) {
        self.store = store
        self.number = number
        self.upload = upload
    }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        try step { state, now throws(StoreError) in
            state.sessions[number]?.continued?.latest = now
            try state.take(bytes, in: number, store.settings, at: now)
        }
    }

    func pause() async throws(StoreError) -> ResumableUpload {
        try step { state, now throws(StoreError) in
            try state.sessions[number]?.verify()
            try state.keep(number, store.settings, at: now)
            return try state.known(upload.id)
        }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        try step { state, now throws(StoreError) in try state.finish(number, store.settings, at: now) }
    }

    func abandon() async {
        try? store.use { state, _ in state.end(number) }
    }

    /// Does the next thing. An error that is for ever ends the upload, any other this session.
    private func step<Value: Sendable>(
        _ body: (inout MemoryState, Timestamp) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let result = try store.use { state, now throws(StoreError) -> Result<Value, StoreError> in
            guard let session = state.sessions[number] else {
                throw state.lost.contains(number) ? StoreError.noPlaceInProgress : .superseded
            }
            do throws(StoreError) { return .success(try body(&state, now)) } catch {
                state.end(number)
                // More than was announced can be left out the next time; more than is ever taken cannot.
                let isMoreThanAnnounced =
                    if case .tooLarge = error { session.continued?.length != nil } else { false }
                if error.isFinalForUpload && !isMoreThanAnnounced {
                    try state.refuse(upload, because: error, store.settings, at: now)
                }
                return .failure(error)
            }
        }
        return try result.get()
    }
}

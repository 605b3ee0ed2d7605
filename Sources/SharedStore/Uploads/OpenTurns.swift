import Blobs
import Store
import Synchronization

/// The requests of this node that are at work on kept uploads, and what they leave in memory for the next one that comes
/// here. Nothing of it has to be known elsewhere.
final class OpenTurns: Sendable {
    /// The most digests that are kept, half of them at least the latest.
    private static let digestLimit = 8192

    /// The digest of the first bytes of an upload.
    private struct Digest {
        let hasher: BlobHasher
        let offset: Int64
    }

    private struct State {
        var turns: [UploadID: SharedTurn] = [:]
        /// Bytes that their subjects will be charged and that no row says yet: of lengths that came late.
        var told: [String: [UploadID: Int64]] = [:]
        /// In two halves: when the first is full, the second is dropped.
        var digests: [UploadID: Digest] = [:]
        var olderDigests: [UploadID: Digest] = [:]
    }

    private let state = Mutex(State())

    /// The request that is at work on an upload.
    subscript(_ id: UploadID) -> SharedTurn? { state.withLock { $0.turns[id] } }

    /// A request begins.
    func begin(_ turn: SharedTurn) { state.withLock { $0.turns[turn.upload.id] = turn } }

    /// A request has ended. It leaves the digest of the first `offset` bytes, if it is known.
    func end(_ turn: SharedTurn, _ hasher: BlobHasher? = nil, at offset: Int64 = 0) {
        let id = turn.upload.id
        state.withLock { state in
            if state.turns[id] === turn { state.turns[id] = nil }
            guard let hasher else { return }
            if state.digests.count >= Self.digestLimit / 2 {
                (state.olderDigests, state.digests) = (state.digests, [:])
            }
            state.digests[id] = Digest(hasher: hasher, offset: offset)
        }
        tell(0, of: id, by: turn.upload.announcement.terms.subject)
    }

    /// Takes what is known of the digest of an upload's first `offset` bytes. What is durable before an offset never
    /// changes, whoever was at it since.
    func takeDigest(of id: UploadID, at offset: Int64) -> BlobHasher? {
        state.withLock { state in
            let older = state.olderDigests.removeValue(forKey: id)
            guard let digest = state.digests.removeValue(forKey: id) ?? older, digest.offset == offset else {
                return nil
            }
            return digest.hasher
        }
    }

    // MARK: Lengths that came late

    /// An upload will be charged so many bytes more than its row says.
    func tell(_ bytes: Int64, of id: UploadID, by subject: String) {
        state.withLock { state in
            if bytes > 0 { return state.told[subject, default: [:]][id] = bytes }
            state.told[subject]?[id] = nil
            if state.told[subject]?.isEmpty ?? false { state.told[subject] = nil }
        }
    }

    /// Bytes that a subject's uploads will be charged beyond what their rows say, but for the one named.
    func bytesTold(of subject: String, except id: UploadID? = nil) -> Int64 {
        state.withLock { state in
            (state.told[subject] ?? [:]).reduce(0) { $0 + ($1.key == id ? 0 : $1.value) }
        }
    }

    /// The store closes.
    func removeAll() {
        let turns = state.withLock { state in
            defer { state = State() }
            return state.turns
        }
        // Released outside the lock.
        withExtendedLifetime(turns) {}
    }
}

import Blobs
import Store
import Synchronization

/// A real store that fails at chosen doors.
struct FailingStore: LeaseStore {
    private let store: any LeaseStore
    private let finding: StoreError?
    private let beginning: StoreError?
    private let committing: StoreError?
    private let holdsUp: HeldUp?

    init(
        _ store: any LeaseStore, finding: StoreError? = nil, beginning: StoreError? = nil,
        committing: StoreError? = nil, holdsUp: HeldUp? = nil
    ) {
        self.store = store
        self.finding = finding
        self.beginning = beginning
        self.committing = committing
        self.holdsUp = holdsUp
    }

    func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        if let finding { throw finding }
        return try await store.find(address, for: intent)
    }

    func find(_ alias: AliasName) async throws(StoreError) -> AliasFinding {
        if let finding { throw finding }
        return try await store.find(alias)
    }

    func validity(of address: BlobAddress) -> ValidityToken { store.validity(of: address) }

    func preflight(_ announcement: UploadAnnouncement) async throws(StoreError) {
        if let beginning { throw beginning }
        try await store.preflight(announcement)
    }

    func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession {
        if let beginning { throw beginning }
        return FailingSession(try await store.begin(announcement), committing: committing, holdsUp: holdsUp)
    }

    func lease(on address: BlobAddress, owner: Secret) async throws(StoreError) -> Lease {
        try await store.lease(on: address, owner: owner)
    }

    func isBanned(_ address: BlobAddress) async throws(StoreError) -> Bool { try await store.isBanned(address) }

    func revoke(on address: BlobAddress, owner: Secret) async throws(StoreError) {
        try await store.revoke(on: address, owner: owner)
    }

    func renew(on address: BlobAddress, owner: Secret, terms: RenewalTerms) async throws(StoreError) -> Lease {
        try await store.renew(on: address, owner: owner, terms: terms)
    }

    func addLease(on address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob {
        if let beginning { throw beginning }
        return try await store.addLease(on: address, terms: terms)
    }

    func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError) {
        try await store.confirmDelivery(of: address, to: recipient, secret: secret)
    }

    func quotaUsage(of subject: String) async throws(StoreError) -> QuotaUsage {
        try await store.quotaUsage(of: subject)
    }

    var blobLimitBytes: Int64 { store.blobLimitBytes }

    func create(_ announcement: UploadAnnouncement) async throws(StoreError) -> ResumableUpload {
        if let beginning { throw beginning }
        return try await store.create(announcement)
    }

    func upload(_ id: UploadID) async throws(StoreError) -> ResumableUpload {
        try await store.upload(id)
    }

    func resume(_ id: UploadID, with append: UploadAppend) async throws(StoreError) -> Resumption {
        try await store.resume(id, with: append)
    }

    func cancel(_ id: UploadID) async throws(StoreError) {
        try await store.cancel(id)
    }

    func unreadiness() async -> String? { finding == nil ? nil : "broken for the test" }

    func now() -> Timestamp { store.now() }

    private final class FailingSession: UploadSession {
        private let session: any UploadSession
        private let committing: StoreError?
        private let holdsUp: HeldUp?

        init(_ session: any UploadSession, committing: StoreError?, holdsUp: HeldUp?) {
            self.session = session
            self.committing = committing
            self.holdsUp = holdsUp
        }

        func append(_ bytes: [UInt8]) async throws(StoreError) {
            holdsUp?.begin()
            while holdsUp?.isOver == false { try? await Task.sleep(for: .milliseconds(5)) }
            try await session.append(bytes)
        }

        func commit() async throws(StoreError) -> StoredBlob {
            if let committing { throw committing }
            return try await session.commit()
        }

        func abandon() async { await session.abandon() }
    }
}

/// A store that is behind for as long as a test says.
final class HeldUp: Sendable {
    private let over = Atomic(false)
    private let begun = Atomic(false)

    var isOver: Bool { over.load(ordering: .acquiring) }
    func end() { over.store(true, ordering: .releasing) }

    /// Whether anybody is held up by it.
    var hasBegun: Bool { begun.load(ordering: .acquiring) }
    func begin() { begun.store(true, ordering: .releasing) }
}

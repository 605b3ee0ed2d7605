import Blobs
import Store
import StoreRules

/// All that a store in memory knows: what lasts, and what is lost when the store is closed.
struct MemoryState: Sendable {
    /// An upload that takes a place among those under way.
    struct Place: Sendable {
        let subject: String
        /// What its subject will be charged.
        var bytes: Int64
    }

    /// One request that brings bytes.
    struct Session: Sendable {
        let announcement: UploadAnnouncement
        let place: Int
        var rule: UploadRule
        /// What it has brought.
        var bytes: [UInt8] = []
        /// The upload that it continues; nil for one that lives for this request alone.
        var continued: Continued?
    }

    /// What a session knows of the upload that outlives it.
    struct Continued: Sendable {
        let upload: ResumableUpload
        let length: Int64?
        let checksum: UploadChecksum?
        /// When the last bytes came.
        var latest: Timestamp
    }

    /// What is known of an open upload beyond its row.
    struct OpenUpload: Sendable {
        let place: Int
        /// The session that is at work on it.
        var session: Int?
    }

    // What lasts.
    var catalog = MemoryCatalog()
    var blobs: [BlobAddress: [UInt8]] = [:]
    /// Damaged bytes.
    var aside: [BlobAddress: [UInt8]] = [:]
    /// The bytes of uploads that outlive their requests.
    var staged: [UploadID: [UInt8]] = [:]

    // What is lost when the store is closed.
    var places: [Int: Place] = [:]
    var sessions: [Int: Session] = [:]
    /// The sessions that have places, and those that lost theirs.
    var requests = UploadPlaces<Int>(limit: 0, sparesBytes: true)
    var lost: Set<Int> = []
    var kept = UploadPlaces<UploadID>(limit: 0, sparesBytes: false)
    var openUploads: [UploadID: OpenUpload] = [:]
    var suspects: Set<BlobAddress> = []
    var gcStatus = GCStatus()
    /// Nil where nothing that is done shall be noticed.
    var generations: GenerationTable?
    var changes: ChangeRing?

    /// Places and sessions get numbers that ascend, each given once.
    private var lastNumber = 0

    init(created clocks: ClockReading) {
        catalog.store.latest = clocks.wall
        catalog.store.lastPass = clocks
    }

    /// The larger of what the wall clock says and the latest time committed.
    func now(_ wall: Timestamp) -> Timestamp { max(wall, catalog.store.latest ?? wall) }

    mutating func newNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// The same, to try something out on.
    var trial: MemoryState {
        var state = self
        state.generations = nil
        state.changes = nil
        return state
    }

    /// Makes a change, or throws and changes nothing.
    mutating func commit<Change: CatalogChange>(
        _ change: Change, at now: Timestamp
    ) throws(StoreError) -> Change.Outcome {
        let before = catalog
        let (result, touched, shortened) = catalog.commit(at: now) { page, transaction in
            change.request(on: &page)
            transaction.load(&page)
            return (transaction.apply(change, to: &page), page.touched, page.shortened)
        }
        if case .failure = result { catalog = before }
        for address in touched { generations?.advance(address) }
        changes?.append(shortened)
        return try result.get()
    }

    /// What a change would come to.
    func judge<Change: CatalogChange>(_ change: Change, at now: Timestamp) throws(StoreError) -> Change.Outcome {
        try catalog.judge(change, at: now).get()
    }

    /// Bytes of the blob at `address`, if there are any.
    func fileSize(_ address: BlobAddress) -> Int64? { blobs[address].map { Int64($0.count) } }
}

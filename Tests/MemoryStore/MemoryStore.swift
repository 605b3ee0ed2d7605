package import Blobs
package import Store
package import StoreRules
import Synchronization

/// What a store in memory takes and how long it keeps it.
package struct MemoryStoreSettings: Sendable {
    package var limits: LeaseLimits
    package var acceptance = BlobAcceptance.any
    /// The largest blob that is taken.
    package var blobLimitBytes: Int64 = 2 << 30
    /// Bytes that there is room for.
    package var capacityBytes: Int64 = 8 << 30
    /// How long a blob stays at least once everybody expected has reported it with a secret that all of them share.
    package var deliveryGrace = Lifetime.days(1)
    /// How long an ended lease and the trace of a removed blob are kept.
    package var tombstoneLifetime = Lifetime.days(90)
    /// The most uploads in progress, the most that are kept from one request to the next, and the most of one subject.
    package var openUploads = 1000
    package var keptUploads = 10_000
    package var openUploadsPerSubject = 256
    /// How long an upload that outlives its requests waits for more, and is remembered once it has ended.
    package var uploadLifetime = Lifetime.days(1)
    package var finishedUploadLifetime = Lifetime.days(1)

    package init(limits: LeaseLimits) {
        self.limits = limits
    }
}

/// A store that keeps everything in memory: rows in dictionaries, blobs in arrays. It lives by the same rules and changes
/// as a store on a disk and shares none of its machinery, so that tests can tell what is said of any store from what is
/// said of one.
///
/// Whatever it does it does at once, under one lock: nothing is ever half done.
package final class MemoryStore: Sendable {
    let settings: MemoryStoreSettings
    let clocks: @Sendable () -> ClockReading
    /// The clocks when this store was opened.
    let started: ClockReading
    private let volume: MemoryVolume
    private let opening: Int
    private let generations = GenerationTable()
    package let changes = ChangeRing()

    /// Opens the store that lies in `volume`. Whoever had it open before has it no longer.
    package init(
        in volume: MemoryVolume, settings: MemoryStoreSettings, clocks: @escaping @Sendable () -> ClockReading
    ) {
        self.volume = volume
        self.settings = settings
        self.clocks = clocks
        started = clocks()
        opening = volume.opening.wrappingAdd(1, ordering: .relaxed).newValue
        let (generations, changes) = (generations, changes)
        volume.state.withLock { $0.open(generations, changes, settings) }
    }

    /// Does something with all that the store knows, alone; `.unavailable` once the store is closed.
    func use<Value: Sendable>(
        _ body: (inout MemoryState, Timestamp) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try volume.state.withLock { state throws(StoreError) in
            guard volume.opening.load(ordering: .relaxed) == opening else {
                throw StoreError.unavailable("the store is closed")
            }
            return try body(&state, state.now(clocks().wall))
        }
    }

    /// Makes a change.
    func commit<Change: CatalogChange>(_ change: Change) throws(StoreError) -> Change.Outcome {
        try use { state, now throws(StoreError) in try state.commit(change, at: now) }
    }

    package func now() -> Timestamp { volume.state.withLock { $0.now(clocks().wall) } }

    package func close() async {
        _ = volume.opening.compareExchange(expected: opening, desired: opening + 1, ordering: .relaxed)
        changes.close()
    }
}

extension MemoryStore: ChangeFeed {}

// MARK: Reading

extension MemoryStore: BlobStore {
    package func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        try use { state, now in
            guard let row = state.catalog.blobs[address], !row.isHidden else { return .unknown }
            if let end = row.end(at: now) { return .gone(end) }
            guard row.state == .held, let sunset = row.sunset else { return .damaged }
            return state.open(row, until: sunset)
        }
    }

    package func find(_ alias: AliasName) async throws(StoreError) -> AliasFinding {
        try use { state, now in
            guard let lease = state.catalog.aliases[alias].flatMap({ state.catalog.leases[$0]?.row }),
                let row = state.catalog.blobs[lease.address]
            else { return AliasFinding(.unknown, validity: nil) }
            let validity = validity(of: row.address)
            if let end = lease.end(at: now) { return AliasFinding(.gone(end), validity: validity) }
            let finding = row.state == .held ? state.open(row, until: lease.expires) : .damaged
            return AliasFinding(finding, validity: validity)
        }
    }

    package func validity(of address: BlobAddress) -> ValidityToken { generations.token(for: address) }

    package func unreadiness() async -> String? {
        do {
            return try use { state, _ in state.hasRoom(4096, settings) ? nil : "the disk is full" }
        } catch {
            return error.description
        }
    }
}

extension MemoryState {
    /// The bytes of a blob that is held.
    fileprivate mutating func open(_ row: BlobRow, until sunset: Timestamp) -> BlobFinding {
        guard let bytes = blobs[row.address], bytes.count == row.size else {
            suspects.insert(row.address)
            return .damaged
        }
        return .held(HeldBlob(address: row.address, size: row.size, sunset: sunset, content: MemoryContent(bytes)))
    }
}

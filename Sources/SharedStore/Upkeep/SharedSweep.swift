import Blobs
import Files
import Objects
import SharedCatalog
import Store
import StoreRules

/// One sweep of a shared store: a list of steps, each in batches small enough to delay no request.
///
/// Any step may be the last: the node dies, or another takes over its duty. What is left is found again by the next sweep,
/// of whichever node, since rows end before objects do, and an object's removal is remembered until it is done.
struct SharedSweep {
    /// What a sweep does, in this order. The steps on objects come last: where the object store does not answer, the rows
    /// are looked after all the same.
    enum Step: CaseIterable {
        case endLeases, removeBlobs, dropUploads, dropTombstones, dropSubjects, dropOldRows
        case beginPass, removeGarbage, removeForgotten, endPass
    }

    /// Which catalog this is, as far as the objects can tell.
    enum Pass: Hashable {
        /// It has not been looked at yet.
        case unknown
        /// It was put back from a copy, and nobody has said that it counts.
        case putBack
        /// This sweep is written down with both.
        case noted(PassToken, isPutBack: Bool)
    }

    /// The most leases that are ended, or blobs that are removed, in one transaction.
    static let batch = 500

    let store: SharedStore
    let options: CollectOptions
    var report = CollectReport()
    var pass = Pass.unknown
    /// When the clocks were found to be right: what is too old by then is too old, whatever they say later.
    private(set) var begun = Timestamp(seconds: .min)
    private var duty: SweepDuty

    init(store: SharedStore, options: CollectOptions) {
        self.store = store
        self.options = options
        report.dryRun = options.dryRun
        duty = SweepDuty(.sweep, catalog: store.catalog, isNeeded: options.isRoutine)
    }

    mutating func run() async throws(StoreError) -> CollectReport {
        let start = ContinuousClock.now
        defer { report.seconds = (ContinuousClock.now - start) / .seconds(1) }
        if options.dryRun {
            report.hold = try await hold()?.description
            if report.hold == nil { try await foresee() }
            return report
        }
        guard try await duty.take() else {
            report.sweptBy = try await duty.holder() ?? "another node"
            return report
        }
        if options.trustClock { try await store.trustClock() }
        report.hold = try await hold()?.description
        if report.hold == nil {
            do throws(StoreError) { try await performAll() } catch {
                await end()
                throw error
            }
        }
        await end()
        return report
    }

    /// Whoever was asked to sweep does so once.
    private func end() async {
        if !options.isRoutine { await duty.drop() }
    }

    private mutating func hold() async throws(StoreError) -> SweepHold? {
        begun = store.now()
        if options.trustClock { return nil }
        let row = try await store.row()
        let onThisNode = SweepGuard.hold(
            now: store.clocks, started: store.started, reference: row.lastPass,
            latest: max(row.latest, store.now()))
        if let onThisNode { return onThisNode }
        return NodeClocks.hold(differences: try await store.clockDifferences(), accepted: row.acceptedSeconds)
    }

    /// A sweep that is cancelled stops after the current batch; the next one continues.
    private mutating func performAll() async throws(StoreError) {
        for step in Step.allCases {
            guard try await goesOn() else { return }
            try await perform(step)
        }
    }

    private mutating func perform(_ step: Step) async throws(StoreError) {
        switch step {
        case .endLeases: try await endLeases()
        case .removeBlobs: try await removeBlobs()
        case .dropUploads: try await dropUploads()
        case .dropTombstones: try await dropTombstones()
        case .dropSubjects: try await dropSubjects()
        case .dropOldRows: try await dropOldRows()
        case .beginPass: try await beginPass()
        case .removeGarbage: try await removeGarbage()
        case .removeForgotten: if options.searchesForOrphans { try await removeForgotten() }
        case .endPass: try await endPass()
        }
    }

    /// Whether another batch may begin: nobody has cancelled the sweep, and the duty, where it is needed, is still this
    /// node's.
    mutating func goesOn() async throws(StoreError) -> Bool {
        if Task.isCancelled { return false }
        return options.dryRun ? true : try await duty.keep()
    }

    /// Runs one batch, then gives uploads their turn.
    func paced<Value>(_ batch: () async throws(StoreError) -> Value) async throws(StoreError) -> Value {
        let start = ContinuousClock.now
        let value = try await batch()
        let pause = SweepPace.pause(after: ContinuousClock.now - start, isUploading: store.isTakingUploads)
        // If cancelled, the sweep ends before its next batch.
        if pause > .zero { try? await Task.sleep(for: pause) }
        return value
    }

    // MARK: Rows

    private mutating func endLeases() async throws(StoreError) {
        while try await goesOn() {
            // Look first: mostly nothing is due.
            let now = store.now()
            let due = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.dueLeases(at: now, after: nil, limit: 1).count
            }
            if due == 0 { return }
            let ended = try await paced { () async throws(StoreError) in
                try await store.make(EndDueLeasesAndRemove(limit: Self.batch)).outcome
            }
            // What is left is locked by those who are changing it; the next sweep comes soon.
            if ended.leases == 0 { return }
            report.leasesEnded += ended.leases
            report.note(ended.removed)
            try store.reach(.dueRemoved)
        }
    }

    private mutating func removeBlobs() async throws(StoreError) {
        var last: BlobAddress?
        while try await goesOn() {
            let from = last
            let page = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.unheldBlobs(after: from, limit: Self.batch)
            }
            guard let next = page.last?.address else { return }
            last = next
            let unheld = page.map(\.address)
            let removed = try await paced { () async throws(StoreError) in
                try await store.make(RemoveUnheld(unheld)).outcome
            }
            report.note(removed)
            try store.reach(.dueRemoved)
        }
    }

    private mutating func dropUploads() async throws(StoreError) {
        var last: ResumableUpload?
        while try await goesOn() {
            let (now, from) = (store.now(), last)
            let page = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.dueUploads(at: now, after: from, limit: Self.batch)
            }
            guard let next = page.last?.upload else { return }
            last = next
            // One whose bytes are coming at this moment has not come to its end.
            let ids = page.map(\.upload.id).filter { !store.isReceiving($0) }
            let dropped = try await paced { () async throws(StoreError) in
                try await store.make(DropDueUploads(ids)).outcome
            }
            for upload in dropped { report.note(upload) }
        }
    }

    private mutating func dropTombstones() async throws(StoreError) {
        let end = tombstoneEnd
        while try await goesOn() {
            let count = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.forgettable(endedBefore: end)
            }
            if count == 0 { return }
            let dropped = try await paced { () async throws(StoreError) in
                try await store.make(DropForgotten(endedBefore: end, limit: Self.batch)).outcome
            }
            report.tombstonesDropped += dropped
            if dropped == 0 { return }
        }
    }

    private mutating func dropSubjects() async throws(StoreError) {
        let now = store.now()
        while try await goesOn() {
            let isLeft = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.hasIdleSubjects(overBy: now)
            }
            guard isLeft else { return }
            let dropped = try await store.make(DropIdleSubjects(overBy: now, limit: Self.batch)).outcome
            if dropped == 0 { return }
        }
    }

    private mutating func dropOldRows() async throws(StoreError) {
        while try await goesOn() {
            if try await store.catalog.forgetOld() == 0 { return }
        }
    }

    /// Tombstones and leases that ended before this moment are forgotten.
    var tombstoneEnd: Timestamp {
        let lifetime = store.settings.tombstoneLifetime.seconds
        let (end, overflow) = store.now().seconds.subtractingReportingOverflow(lifetime)
        return Timestamp(seconds: overflow ? .min : end)
    }

    // MARK: Garbage

    /// Removes objects that no row has named for long enough, unless the catalog is an old one: then they may be what the
    /// right one names.
    private mutating func removeGarbage() async throws(StoreError) {
        if pass == .putBack { return }
        var last: GarbageRow?
        while try await goesOn() {
            let (now, from) = (store.now(), last)
            let page = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.garbage(dueBy: now, after: from, limit: Self.batch)
            }
            guard let next = page.last else { return }
            last = next
            report.removalsFinished += try await paced { () async throws(StoreError) in
                try await store.remove(page)
            }
        }
    }
}

extension CollectReport {
    fileprivate mutating func note(_ removed: RemovedBlobs) {
        blobsRemoved += removed.count
        bytesRemoved += removed.bytes
    }

    /// Counts an upload whose time was up.
    mutating func note(_ upload: ResumableUpload) {
        guard case .open = upload.state else {
            uploadsForgotten += 1
            return
        }
        uploadsExpired += 1
        uploadBytesExpired += upload.offset
    }
}

extension SharedStore {
    /// Removes the objects of this garbage, then forgets it; returns how much of it. What the object store keeps stays.
    func remove(_ garbage: [GarbageRow]) async throws(StoreError) -> Int {
        let lists = garbage.filter(\.object.isList).map(\.object.id)
        let parts =
            lists.isEmpty
            ? [:] : try await catalog.read { reader throws(SharedCatalogError) in try reader.partIDs(of: lists) }
        var owners: [ObjectName: ObjectID] = [:]
        for object in garbage.map(\.object) {
            for id in object.isList ? parts[object.id] ?? [] : [object.id] { owners[ObjectName(id)] = object.id }
        }
        let kept = try await remove(Array(owners.keys))
        try reach(.garbageRemoved)
        let unfinished = Set(kept.compactMap { owners[$0] })
        let done = garbage.map(\.object.id).filter { !unfinished.contains($0) }
        try await catalog.dropGarbage(done)
        try reach(.garbageForgotten)
        return done.count
    }

    /// Removes objects, however many; returns those that are perhaps still there.
    func remove(_ names: [ObjectName]) async throws(StoreError) -> [ObjectName] {
        var kept: [ObjectName] = []
        for start in stride(from: 0, to: names.count, by: ObjectListing.limit) {
            let some = Array(names[start..<min(start + ObjectListing.limit, names.count)])
            do throws(ObjectError) { kept += try await objects.remove(some) } catch { throw StoreError(error) }
        }
        return kept
    }

    /// The step before `point` is done.
    func reach(_ point: FaultPoint) throws(StoreError) {
        do throws(FileError) { try faults.reach(point) } catch { throw .io(error.description) }
    }
}

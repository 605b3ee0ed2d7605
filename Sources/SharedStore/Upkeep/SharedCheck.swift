import Blobs
import Objects
import SharedCatalog
import Store
import StoreRules

/// One check of everything: every row has its objects with the right sizes and bytes, every object that is old enough has
/// its row, and every open upload has the bytes that its client was told of.
struct SharedCheck {
    /// Blobs that are looked up at once, and those of them that are read at once: of each one object is in memory.
    private static let pageBlobs = 100
    private static let width = 8

    let store: SharedStore
    let options: CheckOptions
    private var report = CheckReport()
    /// What was listed, so that not every object has to be asked for its size; empty where all are read.
    private var listed = ListedSizes()

    init(store: SharedStore, options: CheckOptions) {
        self.store = store
        self.options = options
    }

    mutating func run(progress: @Sendable (CheckProgress) -> Void) async throws(StoreError) -> CheckReport {
        try await checkObjects()
        try await checkRows(progress)
        try await checkUploads()
        return report
    }

    // MARK: Blobs

    private mutating func checkRows(_ progress: @Sendable (CheckProgress) -> Void) async throws(StoreError) {
        var last: BlobAddress?
        while true {
            let from = last
            let page = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.presentBlobs(after: from, limit: Self.pageBlobs)
            }
            guard let next = page.last?.row.address else { return }
            last = next
            report.awaitingUpload += page.count { $0.row.state == .damaged }
            try await check(page.filter { $0.row.state == .held }, progress)
        }
    }

    private mutating func check(
        _ blobs: [FoundBlob], _ progress: @Sendable (CheckProgress) -> Void
    ) async throws(StoreError) {
        let (store, options, listed) = (store, options, listed)
        let result = await withTaskGroup(of: Result<BlobVerdict, StoreError>.self) { group in
            var rest = blobs[...]
            func begin() {
                guard let blob = rest.popFirst() else { return }
                group.addTask {
                    await Result { () async throws(StoreError) in
                        try await Self.verdict(on: blob, in: store, options: options, listed: listed)
                    }
                }
            }
            for _ in 0..<Self.width { begin() }
            while let result = await group.next() {
                switch result {
                case .success(let verdict): note(verdict, progress)
                case .failure(let error):
                    group.cancelAll()
                    return Result<Void, StoreError>.failure(error)
                }
                begin()
            }
            return .success(())
        }
        try result.get()
    }

    /// What one blob came to.
    private struct BlobVerdict: Sendable {
        let blob: BlobRow
        var damage: Damage?
        var isRepaired = false
    }

    private static func verdict(
        on blob: FoundBlob, in store: SharedStore, options: CheckOptions, listed: ListedSizes
    ) async throws(StoreError) -> BlobVerdict {
        if Task.isCancelled { throw .unavailable("the check was cancelled") }
        let reads = options.readPercent.map { Int.random(in: 0..<100) < $0 } ?? true
        var verdict = BlobVerdict(blob: blob.row)
        if !reads && listed.agree(with: blob) { return verdict }
        guard let found = try await store.examine(blob, reads: reads) else { return verdict }
        verdict.damage = found.damage
        verdict.isRepaired = options.repair ? try await store.mark(found) : false
        return verdict
    }

    private mutating func note(_ verdict: BlobVerdict, _ progress: @Sendable (CheckProgress) -> Void) {
        report.blobsChecked += 1
        report.bytesChecked += verdict.blob.size
        if let damage = verdict.damage {
            if verdict.isRepaired { report.awaitingUpload += 1 }
            report.add(.init(damage, name: verdict.blob.address.hex, isRepaired: verdict.isRepaired))
        }
        progress(CheckProgress(blobs: report.blobsChecked, bytes: report.bytesChecked))
    }

    // MARK: Uploads

    private mutating func checkUploads() async throws(StoreError) {
        var last: UploadID?
        while true {
            let from = last
            let page = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.openUploads(after: from)
            }
            guard let next = page.last?.upload.id else { return }
            last = next
            for kept in page {
                if Task.isCancelled { throw .unavailable("the check was cancelled") }
                try await check(kept.upload.id)
            }
        }
    }

    private mutating func check(_ id: UploadID) async throws(StoreError) {
        report.uploadsChecked += 1
        // Whoever goes on with it may take objects together just now: what is missing is missing twice.
        guard try await damage(of: id) != nil, let damage = try await damage(of: id) else { return }
        if options.repair { try await store.make(DropUpload(id: id)) }
        report.add(.init(damage, name: String(id.hex.prefix(8)), isRepaired: options.repair))
    }

    private func damage(of id: UploadID) async throws(StoreError) -> Damage? {
        let known = try await store.catalog.read { reader throws(SharedCatalogError) -> (Int64, [ObjectRow])? in
            guard let kept = try reader.upload(id), let list = kept.objects?.list else { return nil }
            return (kept.upload.offset, try reader.parts(of: list))
        }
        guard let (offset, parts) = known else { return nil }
        let found = parts.reduce(0) { $0 + $1.size }
        guard found >= offset else {
            return Damage(.lostUpload, "the upload has \(found) bytes, but the client was told \(offset)")
        }
        for part in parts {
            let name = ObjectName(part.id)
            let size: Int64?
            do throws(ObjectError) { size = try await store.objects.size(of: name) } catch { throw StoreError(error) }
            if size == part.size { continue }
            guard let size else { return Damage(.lostUpload, "the upload's object \(name) is missing") }
            return Damage(
                .lostUpload, "the upload's object \(name) has \(size) bytes instead of \(part.size)")
        }
        return nil
    }

    // MARK: Objects

    private mutating func checkObjects() async throws(StoreError) {
        let now = store.now()
        var last: String?
        repeat {
            if Task.isCancelled { throw .unavailable("the check was cancelled") }
            let listing: ObjectListing
            do throws(ObjectError) { listing = try await store.objects.list("v1/", after: last) } catch {
                throw StoreError(error)
            }
            try await check(listing.objects, at: now)
            last = listing.isLast ? nil : listing.objects.last?.name
        } while last != nil
    }

    private mutating func check(_ entries: [ListedObject], at now: Timestamp) async throws(StoreError) {
        var ids: [ObjectID] = []
        for entry in entries {
            if let id = ObjectName(listed: entry.name)?.id {
                ids.append(id)
                if options.readPercent != nil { listed.add(id, size: entry.size) }
            } else if entry.name != ObjectName.store.text && ObjectName.pass(listed: entry.name) == nil {
                let damage = Damage(.stranger, "\(entry.name) is not the name of an object of this store")
                report.add(.init(damage, name: entry.name))
            }
        }
        // A younger one may be about to get its row.
        let old = ids.filter { ObjectRule.isForgotten($0, at: now) }
        if old.isEmpty { return }
        let known = try await store.catalog.read { reader throws(SharedCatalogError) in try reader.known(old) }
        for id in old where !known.contains(id) {
            report.add(.init(Damage(.orphan, "the catalog has no row for this object"), name: ObjectName(id).text))
        }
    }
}

/// The sizes of objects as they were listed, of so many of them; the others have to be asked for.
struct ListedSizes: Sendable {
    /// A hundred megabytes in memory at most.
    private static let limit = 1 << 20

    private var sizes: [ObjectID: Int64] = [:]

    mutating func add(_ id: ObjectID, size: Int64) {
        if sizes.count < Self.limit { sizes[id] = size }
    }

    /// Whether all objects of a blob were listed with the sizes that they should have.
    func agree(with blob: FoundBlob) -> Bool {
        guard let object = blob.object else { return false }
        guard object.isList else { return sizes[object.id] == blob.row.size }
        return blob.parts.allSatisfy { sizes[$0.id] == $0.size }
            && blob.parts.reduce(0) { $0 + $1.size } == blob.row.size
    }
}

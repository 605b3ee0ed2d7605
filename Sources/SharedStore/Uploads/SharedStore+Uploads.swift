import Blobs
import Files
import SharedCatalog
package import Store
import StoreParts
import StoreRules

extension SharedStore {
    package func preflight(_ announcement: UploadAnnouncement) async throws(StoreError) {
        let (slot, request, before, _) = try admitUnseen(announcement, isQuestion: true)
        defer {
            uploads.leave(request)
            slot.giveBack()
        }
        try await judge(announcement, size: announcement.size, bytesUnderWay: before.bytes)
        if let size = announcement.size { try slot.reserveDisk(size) }
    }

    package func begin(_ announcement: UploadAnnouncement) async throws(StoreError) -> any UploadSession {
        let isSmall = announcement.size.map { $0 <= ObjectWriter.smallBytes } ?? false
        let (slot, request, before, rule) = try admitUnseen(announcement, isSmall: isSmall)
        // Gives everything back when it goes.
        let session = SharedUpload(announcement, slot, request: request, rule: rule, in: self)
        // So few bytes are on their way already: the catalog is asked once, when all of them are here.
        if isSmall { return session }
        try await judge(announcement, size: announcement.size, bytesUnderWay: before.bytes)
        try reach(.uploadAdmitted)
        if let size = announcement.size { try slot.reserveDisk(size) }
        return session
    }

    // MARK: Admission

    /// Refuses what can be refused without asking the catalog, and lets the upload in. Returns what it holds, with the share
    /// of the subject's other uploads on this node, which is taken before the catalog is read, so that an upload that ends
    /// in between is counted twice rather than not at all.
    func admitUnseen(
        _ announcement: UploadAnnouncement, isSmall: Bool = false, isQuestion: Bool = false
    ) throws(StoreError) -> (slot: UploadSlot, request: Int, before: UploadTable.Share, rule: UploadRule) {
        _ = try leaseLimits.lifetime(for: announcement.terms)
        let rule = try UploadRule(announcement, settings: settings.store)
        let (slot, request, before) = try UploadSlot.enter(
            announcement, isSmall: isSmall, isQuestion: isQuestion, in: uploads)
        return (slot, request, before, rule)
    }

    /// Throws if the lease for an upload of `size` bytes would be refused now. `bytesUnderWay` are those of the subject's
    /// other uploads in one request on this node; those of uploads that outlive their requests the catalog knows.
    func judge(
        _ announcement: UploadAnnouncement, size: Int64?, bytesUnderWay: Int64
    ) async throws(StoreError) {
        let told = turns.bytesTold(of: announcement.terms.subject)
        try await catalog.judge(
            AdmitLease(
                address: announcement.address, size: size, terms: announcement.terms,
                bytesUnderWay: bytesUnderWay + told, limits: leaseLimits))
    }

    // MARK: The end

    /// Makes objects that are there a blob with a lease. The new objects take the place of those that the blob has, if it is
    /// held already: whoever sends a blob again heals it.
    func commit(
        _ announcement: UploadAnnouncement, as address: BlobAddress, size: Int64, _ parts: [StoredObject],
        _ slot: UploadSlot
    ) async throws(StoreError) -> StoredBlob {
        let (terms, limits, turns) = (announcement.terms, leaseLimits, turns)
        let list = ObjectID.new(at: now())
        let commit = { @Sendable in
            NameObjects(
                parts.map(\.id),
                then: CommitUpload(
                    address: address, size: size, terms: terms,
                    bytesUnderWay: slot.bytesOfOthers + turns.bytesTold(of: terms.subject), limits: limits,
                    bytes: .asRecorded))
        }
        let committed = try await make(commit, patience: objectsUnderWay.patience) { (_, page) throws(StoreError) in
            slot.settle()
            page.hold(address, by: parts, in: list)
        }
        try reach(committed: .uploadCommitted)
        return committed.outcome
    }
}

extension ObjectPage {
    /// Lets a blob be held by new objects: one by itself, several in a list.
    mutating func hold(_ address: BlobAddress, by objects: [StoredObject], in list: ObjectID) {
        if objects.count == 1 { return hold(address, by: BlobObject(id: objects[0].id, isList: false)) }
        for (number, object) in objects.enumerated() { add(ObjectRow(object, in: list, number: number)) }
        hold(address, by: BlobObject(id: list, isList: true))
    }
}

extension ObjectRow {
    init(_ object: StoredObject, in list: ObjectID, number: Int) {
        self.init(id: object.id, list: list, number: number, size: object.size, digest: object.digest)
    }
}

/// A change whose rows will name new objects: refused where they are too old for that, since the search for orphans might
/// take them.
struct NameObjects<Change: CatalogChange>: CatalogChange {
    private let ids: [ObjectID]
    private let change: Change

    init(_ ids: [ObjectID], then change: Change) {
        self.ids = ids
        self.change = change
    }

    func request(on page: inout CatalogPage) { change.request(on: &page) }

    func apply(to page: inout CatalogPage) throws(StoreError) -> Change.Outcome {
        for id in ids where !ObjectRule.mayName(id, at: page.now) { throw .tookTooLong }
        return try change.apply(to: &page)
    }
}

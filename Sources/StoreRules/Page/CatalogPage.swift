package import Blobs
package import Store

/// The rows of a catalog that a batch of changes looks at, in memory.
///
/// Whatever keeps the catalog loads the rows that the changes ask for, the changes are applied one after another, each
/// undone alone where it throws, and what has changed is written in one go. A change that asks for a row that is not
/// here is judged again once it is.
package struct CatalogPage: Sendable {
    /// The moment that all of the batch happens at.
    package let now: Timestamp

    package var blobs = PageTable<BlobAddress, BlobRow>()
    /// Since when nobody may hold an address.
    package var bans = PageTable<BlobAddress, Timestamp>()
    package var leases = PageTable<LeaseKey, LeaseRow>()
    /// The place of the one lease that a hash of a receipt secret names.
    package var receiptHashes = PageTable<ReceiptHashKey, Int>()
    /// The place of the one lease that an alias leads to.
    package var aliases = PageTable<AliasName, Int>()
    /// What subjects hold, as it is stored. Changes are in `charges`.
    package var usages = PageTable<String, Usage>()
    /// By how much more subjects hold, or less: who ends a lease need not know what else its subject holds.
    package var charges = PageTable<String, Usage>()
    /// How many leases subjects have made today; what is stored comes with `usages`.
    package var days = PageTable<String, LeaseDay>()
    /// What a secret may say "delivered" for, as it is stored. What was said since is in `receipts`.
    package var deliveries = PageTable<DeliveryKey, StoredDelivery>()
    /// What has been said, and when.
    package var receipts = PageTable<ReceiptKey, Timestamp>()
    package var uploads = PageTable<UploadID, ResumableUpload>()
    /// What the open uploads of subjects come to, where the catalog counts them: as it is stored it comes with `usages`. It
    /// follows from the uploads, and so is never written.
    package var kept = PageTable<String, KeptShare>()
    package var sightings = PageTable<BlobAddress, OrphanSighting>()
    package var scrubs = PageTable<ScrubRow.Place, ScrubRow>()
    /// When the next lease of somebody, or on something, is over, as it is stored: asked for only where a limit is hit.
    package var nextEnds = PageTable<NextEndKey, Timestamp>()
    /// The leases of somebody on something, as they are stored: asked for only where there may be too many.
    package var shares = PageTable<LeaseShareKey, LeaseShare>()
    /// What questions to whole tables found: the places of the rows.
    package var finds = PageTable<PageQuery, [Int]>()
    /// What is new about the store itself.
    package private(set) var store = StoreChange()
    private var storeBefore = StoreChange()

    package init(now: Timestamp) {
        self.now = now
    }

    /// A new change begins: those before stay.
    package mutating func begin() {
        blobs.begin()
        bans.begin()
        leases.begin()
        receiptHashes.begin()
        aliases.begin()
        charges.begin()
        days.begin()
        receipts.begin()
        uploads.begin()
        kept.begin()
        sightings.begin()
        scrubs.begin()
        finds.begin()
        storeBefore = store
    }

    /// Undoes what was done since the last change began.
    package mutating func undo() {
        blobs.undo()
        bans.undo()
        leases.undo()
        receiptHashes.undo()
        aliases.undo()
        charges.undo()
        days.undo()
        receipts.undo()
        uploads.undo()
        kept.undo()
        sightings.undo()
        scrubs.undo()
        finds.undo()
        store = storeBefore
    }

    /// Whether every row that was asked for has been loaded.
    package var isComplete: Bool {
        blobs.isComplete && bans.isComplete && leases.isComplete && receiptHashes.isComplete && usages.isComplete
            && aliases.isComplete && deliveries.isComplete && uploads.isComplete && sightings.isComplete
            && scrubs.isComplete
            && nextEnds.isComplete && shares.isComplete && finds.isComplete
    }

    /// The addresses about which anything has changed that a finding tells.
    package var touched: [BlobAddress] { blobs.changed.map { $0.key } + banned }

    /// Those of them about which an answer from before may be wrong before its Sunset.
    package var shortened: [BlobAddress] {
        let ended = blobs.changed
            .filter { entry in entry.stored?.isShortened(to: entry.current, at: now) ?? false }.map { $0.key }
        return ended + banned.filter { !ended.contains($0) }
    }

    /// Addresses that are banned from now on. Even where nothing was held the blob may be known: a store that is drained
    /// gives its own out in the name of this one.
    private var banned: [BlobAddress] {
        bans.changed.filter { $0.stored == nil && $0.current != nil }.map { $0.key }
    }

    /// By how much the sums of the catalog change.
    package var sums: StoreSums {
        var sums = StoreSums()
        for entry in blobs.changed {
            if let blob = entry.stored { sums.count(blob, by: -1) }
            if let blob = entry.current { sums.count(blob) }
        }
        for entry in leases.changed {
            if let lease = entry.stored { sums.count(lease, by: -1) }
            if let lease = entry.current { sums.count(lease) }
        }
        return sums
    }

    /// Loads the answer to the question at `place`. Leases that are new on this page belong to those on their address.
    package mutating func fill(findAt place: Int, _ found: [Int]) {
        guard case .leases(let address, .all) = finds.key(at: place) else { return finds.fill(place, found) }
        finds.fill(place, found + leases.added.filter { leases[$0]?.address == address })
    }

    /// Changes what is noted of the store itself.
    mutating func noteStore(_ change: (inout StoreChange) -> Void) { change(&store) }
}

/// Somebody, or something, whose next lease is over at some time.
package enum NextEndKey: Hashable, Sendable {
    case subject(String)
    case address(BlobAddress)
}

/// Somebody's leases on a blob that have not been ended, those without an alias.
package struct LeaseShareKey: Hashable, Sendable {
    package let address: BlobAddress
    package let subject: String
}

/// How many leases somebody has on a blob, and when the next of them is over.
package struct LeaseShare: Hashable, Sendable {
    package var leases: Int
    package var nextEnd: Timestamp?

    package init(leases: Int = 0, nextEnd: Timestamp? = nil) {
        self.leases = leases
        self.nextEnd = nextEnd
    }
}

/// A question to a whole table, whose answer is a list of places on the page.
package enum PageQuery: Hashable, Sendable {
    /// Leases on an address that have not been ended; or all of them.
    case leases(on: BlobAddress, OpenLeases)
    /// So many leases of a subject at most that have not been ended.
    case leasesOfSubject(String, limit: Int)
    /// So many leases at most whose time is up by now and that have not been ended, those first that are due longest; the
    /// rows of their blobs with them.
    case dueLeases(limit: Int)
    /// So many leases at most that ended before a moment, and no more once so many receipts and receipt hashes go with
    /// them.
    case endedLeases(before: Timestamp, limit: Int, receipts: Int)
    /// So many blobs at most of which it is remembered that they were shown by their address, until before a moment, and
    /// whose rows stay all the same: those that are not tombstones, and tombstones of which an alias is remembered.
    case formerlyShown(before: Timestamp, limit: Int)
    /// So many tombstones at most that are older than a moment and remember no lease.
    case tombstones(before: Timestamp, limit: Int)
    /// So many subjects at most that hold no lease and whose day began before a moment.
    case idleSubjects(since: Timestamp, limit: Int)
    /// So many sightings at most that this pass did not confirm.
    case sightings(notOf: Int64, limit: Int)
}

/// Which of the leases on an address that have not been ended.
package enum OpenLeases: Hashable, Sendable {
    case all
    /// Those whose time is up by now.
    case due
    /// So many at most of those without an alias that are over last (`LeaseRow.isOver(before:)`), the last one first.
    case last(Int)
    /// All that are remembered, ended ones too.
    case remembered
}

/// What is new about the store itself; nil where nothing is.
package struct StoreChange: Sendable, Hashable {
    package var lastPass: ClockReading?
    /// The latest time committed, although a later one was.
    package var latest: Timestamp?
    package var isRestored: Bool?

    package init() {}
}

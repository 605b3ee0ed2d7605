import Blobs
import Store
import StoreRules

/// Uploads, objects, and what is noted of the store.
extension SharedTransaction {
    func writeUploads(_ page: CatalogPage) throws(SharedCatalogError) {
        var kept = UploadRow.table
        var dropped: [UploadID] = []
        for entry in page.uploads.entries where entry.isChanged || objects.changedUploads.contains(entry.key) {
            if let upload = entry.current {
                try UploadRow(upload, objects[upload: entry.key]).append(to: &kept)
            } else {
                dropped.append(entry.key)
            }
        }
        if !dropped.isEmpty { try put(.dropUploads, PostgresParameter(.bytes, dropped.map { .bytes($0.bytes) })) }
        try put(.keepUploads, kept)
    }

    func writeObjects(_ page: CatalogPage) throws(SharedCatalogError) {
        if !objects.dropped.isEmpty { try put(.dropObjects, .objects(objects.dropped)) }
        var added = ColumnTable(.uuid, .uuid, .number, .number, .bytes)
        for part in objects.added {
            added.append(
                .of(part.id as ObjectID?), .of(part.list as ObjectID?), .of(part.number), .number(part.size),
                .of(part.digest))
        }
        try put(.addObjects, added)
        let delay = max(lane?.removalDelaySeconds ?? 0, 0)
        let due = page.now.seconds.addingReportingOverflow(delay)
        var garbage = ColumnTable(.uuid, .flag, .number)
        for object in objects.garbage {
            garbage.append(
                .of(object.id as ObjectID?), .flag(object.isList), .number(due.overflow ? .max : due.partialValue))
        }
        try put(.addGarbage, garbage)
    }

    /// What other nodes may believe no longer.
    func writeChanges(_ page: CatalogPage) throws(SharedCatalogError) {
        let prefixes = Set(page.shortened.map { AddressPrefix($0) })
        if !prefixes.isEmpty { try put(.addChanges, .numbers(prefixes.map { Int64($0.bits) })) }
    }

    func writeScrubs(_ page: CatalogPage) throws(SharedCatalogError) {
        for entry in page.scrubs.changed.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let key = PostgresParameter(.of(entry.key.rawValue))
            guard let scrub = entry.current else {
                try put(.dropScrub, key)
                continue
            }
            try put(
                .keepScrub, key, .init(.of(scrub.began)), .init(.of(scrub.latest)), .init(.of(scrub.cursor)),
                .init(.number(scrub.blobs)), .init(.number(scrub.bytes)), .init(.number(scrub.damaged)))
        }
    }

    /// Brings the kept sums up to date: those that change.
    func writeSums(_ difference: StoreSums) throws(SharedCatalogError) {
        guard let lane else { return }
        var changed = ColumnTable(.number, .number, .number, .number)
        for (kind, sum) in difference.kinds where sum != BlobTotal() {
            changed.append(.number(lane.slot), .of(kind), .number(sum.count), .number(sum.bytes))
        }
        try put(.changeSums, changed)
    }

    func writeStore(_ page: CatalogPage) throws(SharedCatalogError) {
        let change = page.store
        if change == StoreChange() { return }
        try put(
            .changeStore, .init(.of(change.lastPass?.wall)), .init(.of(change.lastPass?.monotonicSeconds)),
            .init(.of(change.lastPass?.boot)), .init(.of(change.latest)),
            .init(change.isRestored.map { .flag($0) } ?? .null), .init(.of(page.now)))
    }
}

extension StoreSums {
    /// Kinds of sums in the table `tally` beside the four states of a blob.
    static let kindOfLeases = 5
    static let kindOfEndedLeases = 6

    /// Each sum with its kind.
    var kinds: [(kind: Int, sum: BlobTotal)] {
        [
            (BlobState.held.rawValue, held), (BlobState.removing.rawValue, removing),
            (BlobState.damaged.rawValue, damaged), (BlobState.gone.rawValue, gone),
            (Self.kindOfLeases, BlobTotal(count: leases)), (Self.kindOfEndedLeases, BlobTotal(count: endedLeases)),
        ]
    }
}

extension BlobRow {
    /// A table for rows of blobs.
    static var table: ColumnTable {
        ColumnTable(.bytes, .number, .number, .number, .number, .number, .number, .text, .number, .uuid, .flag)
    }

    func append(to table: inout ColumnTable, _ object: BlobObject?) throws(SharedCatalogError) {
        guard (object == nil) == (state == .gone) else {
            throw .failed("the database: a blob with bytes has to name them, and a tombstone must not")
        }
        table.append(
            .of(address), .number(size), .of(state.rawValue), .of(uploaded), .of(leases), .of(aliased), .of(sunset),
            .of(reason), .of(ended), .of(object?.id), .flag(object?.isList ?? false))
    }
}

extension LeaseRow {
    /// A table for new leases.
    static var table: ColumnTable {
        ColumnTable(
            .number, .bytes, .bytes, .text, .number, .number, .number, .number, .number, .number, .text, .number, .text)
    }

    func append(to table: inout ColumnTable, number: Int64) {
        table.append(
            .number(number), .of(address), .of(owner), .of(subject), .of(created), .of(expires), .of(limit),
            .of(recipients), .of(hashes), .of(delivered), .of(via), .of(ended), .of(reason))
    }
}

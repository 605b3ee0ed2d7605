import Blobs
import Foundation
import GRDB
import Store
import StoreRules

/// What has changed on the page into the tables. Leases end before others come, since only one of a name lives; what
/// refers to a row comes behind it and goes before it.
extension SQLiteTransaction {
    func writeAll(_ page: CatalogPage) throws {
        try writeBans(page)
        try addAndChangeBlobs(page)
        try dropLeases(page)
        try dropBlobs(page)
        try changeLeases(page)
        try addLeases(page)
        try addReceipts(page)
        try writeCharges(page)
        try writeUploads(page)
        try writeSightings(page)
        try writeScrubs(page)
        try writeSums(page.sums)
        try writeStore(page.store)
    }

    // MARK: Blobs

    private func addAndChangeBlobs(_ page: CatalogPage) throws {
        var (new, changed) = (RowBatch(width: 8), RowBatch(width: 8))
        var places: [Int] = []
        for place in page.blobs.changedPlaces {
            guard let blob = page.blobs[place] else { continue }
            let id = blobs[place]
            if id == nil { places.append(place) }
            let facts: [(any DatabaseValueConvertible)?] = [
                blob.size, blob.state.rawValue, blob.uploaded.seconds, blob.leases, blob.sunset?.seconds,
                blob.reason?.rawValue, blob.ended?.seconds,
            ]
            if let id { changed.append([id] + facts) } else { new.append([blob.address.data] + facts) }
        }
        try database.run(changed) {
            """
            UPDATE blob SET
                size = column2, state = column3, uploaded = column4, leases = column5, sunset = column6,
                reason = column7, ended = column8
            FROM \($0) WHERE id = column1
            """
        }
        try database.run(new) {
            """
            INSERT INTO blob (address, size, state, uploaded, leases, sunset, reason, ended)
            SELECT * FROM \($0) WHERE column1 IS NOT NULL
            """
        }
        note(places, in: &blobs)
    }

    /// The ids of rows that were just added: nobody else writes, so each is one more than that before.
    private func note(_ places: [Int], in ids: inout RowIDs) {
        let last = database.lastInsertedRowID
        for (index, place) in places.enumerated() { ids.note(last - Int64(places.count - 1 - index), at: place) }
    }

    private func dropBlobs(_ page: CatalogPage) throws {
        var dropped = RowBatch(width: 1)
        for place in page.blobs.changedPlaces where page.blobs[place] == nil {
            if let id = blobs[place] { dropped.append([id]) }
        }
        try database.run(dropped) { "DELETE FROM blob WHERE id IN \($0)" }
    }

    private func writeBans(_ page: CatalogPage) throws {
        var (new, lifted) = (RowBatch(width: 2), RowBatch(width: 1))
        for entry in page.bans.changed {
            if let since = entry.current {
                new.append([entry.key.data, since.seconds])
            } else {
                lifted.append([entry.key.data])
            }
        }
        try database.run(lifted) { "DELETE FROM ban WHERE address IN \($0)" }
        try database.run(new) { "REPLACE INTO ban SELECT * FROM \($0) WHERE column1 IS NOT NULL" }
    }

    // MARK: Leases

    private func changeLeases(_ page: CatalogPage) throws {
        var changed = RowBatch(width: 6)
        for place in page.leases.changedPlaces {
            guard let lease = page.leases[place], let id = leases[place] else { continue }
            changed.append([
                id, lease.subject, lease.expires.seconds, lease.delivered?.seconds, lease.ended?.seconds,
                lease.reason?.rawValue,
            ])
        }
        try database.run(changed) {
            """
            UPDATE lease SET subject = column2, expires = column3, delivered = column4, ended = column5, reason = column6
            FROM \($0) WHERE id = column1
            """
        }
    }

    private func addLeases(_ page: CatalogPage) throws {
        var (new, hashes) = (RowBatch(width: 11), RowBatch(width: 3))
        var places: [Int] = []
        for place in page.leases.changedPlaces where leases[place] == nil {
            guard let lease = page.leases[place] else { continue }
            places.append(place)
            new.append([
                try blob(of: lease.address, page), lease.owner?.data, lease.subject, lease.created.seconds,
                lease.expires.seconds, lease.limit.seconds, lease.recipients, lease.hashes, lease.delivered?.seconds,
                lease.ended?.seconds, lease.reason?.rawValue,
            ])
        }
        try database.run(new) {
            """
            INSERT INTO lease (
                blob, owner, subject, created, expires, limit_seconds, recipients, hashes, delivered, ended, reason)
            SELECT * FROM \($0) WHERE column1 IS NOT NULL
            """
        }
        note(places, in: &leases)
        for entry in page.receiptHashes.changed {
            guard let admitted = entry.current, let lease = page.leases[entry.key], let id = leases[entry.key] else {
                continue
            }
            let blob = try blob(of: lease.address, page)
            for hash in admitted { hashes.append([id, hash.data, blob]) }
        }
        try database.run(hashes) { "INSERT INTO receipt_hash SELECT * FROM \($0) WHERE column1 IS NOT NULL" }
    }

    private func blob(of address: BlobAddress, _ page: CatalogPage) throws -> Int64 {
        guard let id = page.blobs.place(peeking: address).flatMap({ blobs[$0] }) else {
            throw CatalogError.failed("catalogue: a lease on a blob without a row")
        }
        return id
    }

    private func dropLeases(_ page: CatalogPage) throws {
        var dropped = RowBatch(width: 1)
        for place in page.leases.changedPlaces where page.leases[place] == nil {
            if let id = leases[place] { dropped.append([id]) }
        }
        try database.run(dropped) { "DELETE FROM receipt WHERE lease IN \($0)" }
        try database.run(dropped) { "DELETE FROM receipt_hash WHERE lease IN \($0)" }
        try database.run(dropped) { "DELETE FROM lease WHERE id IN \($0)" }
    }

    private func addReceipts(_ page: CatalogPage) throws {
        var new = RowBatch(width: 4)
        for entry in page.receipts.changed {
            // A lease that is forgotten in the same batch takes them with it.
            guard let at = entry.current, page.leases[entry.key.lease] != nil, let lease = leases[entry.key.lease]
            else { continue }
            new.append([lease, entry.key.hash.data, entry.key.recipient.data, at.seconds])
        }
        try database.run(new) { "INSERT INTO receipt SELECT * FROM \($0) WHERE column1 IS NOT NULL" }
    }

    /// Who holds nothing any more has no row.
    private func writeCharges(_ page: CatalogPage) throws {
        var (changed, less) = (RowBatch(width: 3), RowBatch(width: 1))
        for entry in page.charges.changed {
            guard let charge = entry.current, charge != Usage() else { continue }
            changed.append([entry.key, charge.leases, charge.bytes])
            if charge.leases < 0 { less.append([entry.key]) }
        }
        try database.run(changed) {
            """
            INSERT INTO charge SELECT * FROM \($0) WHERE column1 IS NOT NULL
            ON CONFLICT (subject) DO UPDATE SET leases = leases + excluded.leases, bytes = bytes + excluded.bytes
            """
        }
        try database.run(less) { "DELETE FROM charge WHERE leases <= 0 AND subject IN \($0)" }
    }

    // MARK: The rest

    private func writeUploads(_ page: CatalogPage) throws {
        var (kept, dropped) = (RowBatch(width: ResumableUpload.columnCount), RowBatch(width: 1))
        for entry in page.uploads.changed {
            if let upload = entry.current {
                kept.append(try upload.values())
            } else {
                dropped.append([entry.key.data])
            }
        }
        try database.run(dropped) { "DELETE FROM upload WHERE id IN \($0)" }
        try database.run(kept) {
            "REPLACE INTO upload (\(ResumableUpload.columns)) SELECT * FROM \($0) WHERE column1 IS NOT NULL"
        }
    }

    private func writeSightings(_ page: CatalogPage) throws {
        var (kept, dropped) = (RowBatch(width: 3), RowBatch(width: 1))
        for entry in page.sightings.changed {
            if let sighting = entry.current {
                kept.append([entry.key.data, sighting.firstSeen.seconds, sighting.lastPass])
            } else {
                dropped.append([entry.key.data])
            }
        }
        try database.run(dropped) { "DELETE FROM orphan WHERE address IN \($0)" }
        try database.run(kept) { "REPLACE INTO orphan SELECT * FROM \($0) WHERE column1 IS NOT NULL" }
    }

    private func writeScrubs(_ page: CatalogPage) throws {
        for entry in page.scrubs.changed {
            guard let scrub = entry.current else {
                try database.run("DELETE FROM scrub WHERE id = ?", [entry.key.rawValue])
                continue
            }
            try database.run(
                "REPLACE INTO scrub VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    entry.key.rawValue, scrub.began.seconds, scrub.latest.seconds, scrub.cursor?.data, scrub.blobs,
                    scrub.bytes, scrub.damaged,
                ])
        }
    }

    /// Brings the kept sums up to date.
    private func writeSums(_ difference: StoreSums) throws {
        var changed = RowBatch(width: 3)
        for (kind, sum) in difference.kinds where sum != BlobTotal() {
            changed.append([kind, sum.count, sum.bytes])
        }
        try database.run(changed) {
            "UPDATE tally SET count = count + column2, bytes = bytes + column3 FROM \($0) WHERE kind = column1"
        }
    }

    private func writeStore(_ change: StoreChange) throws {
        if change == StoreChange() { return }
        try database.run(
            """
            UPDATE store SET
                pass_wall = coalesce(?, pass_wall), pass_monotonic = coalesce(?, pass_monotonic),
                pass_boot = coalesce(?, pass_boot), latest = coalesce(?, latest), restored = coalesce(?, restored)
            """,
            [
                change.lastPass?.wall.seconds, change.lastPass?.monotonicSeconds, change.lastPass?.boot,
                change.latest?.seconds, change.isRestored.map { $0 ? 1 : 0 },
            ])
    }
}

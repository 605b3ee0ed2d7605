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
        var (new, changed) = (RowBatch(.addBlobs), RowBatch(.changeBlobs))
        var places: [Int] = []
        for place in page.blobs.changedPlaces {
            guard let blob = page.blobs[place] else { continue }
            let id = blobs[place]
            if id == nil { places.append(place) }
            let facts: [SQLValue] = [
                .of(blob.size), .of(blob.state.rawValue), .of(blob.uploaded), .of(blob.leases), .of(blob.aliased),
                .of(blob.sunset), .of(blob.reason), .of(blob.ended),
            ]
            if let id { changed.append([.of(id)] + facts) } else { new.append([.of(blob.address)] + facts) }
        }
        try changed.run(in: database)
        try new.run(in: database)
        note(places, in: &blobs)
    }

    /// The ids of rows that were just added: nobody else writes, so each is one more than that before.
    private func note(_ places: [Int], in ids: inout RowIDs) {
        let last = database.lastInsertedRowID
        for (index, place) in places.enumerated() { ids.note(last - Int64(places.count - 1 - index), at: place) }
    }

    private func dropBlobs(_ page: CatalogPage) throws {
        var dropped = RowBatch(.dropBlobs)
        for place in page.blobs.changedPlaces where page.blobs[place] == nil {
            if let id = blobs[place] { dropped.append([.of(id)]) }
        }
        try dropped.run(in: database)
    }

    private func writeBans(_ page: CatalogPage) throws {
        var (new, lifted) = (RowBatch(.addBans), RowBatch(.liftBans))
        for entry in page.bans.changed {
            if let since = entry.current {
                new.append([.of(entry.key), .of(since)])
            } else {
                lifted.append([.of(entry.key)])
            }
        }
        try lifted.run(in: database)
        try new.run(in: database)
    }

    // MARK: Leases

    private func changeLeases(_ page: CatalogPage) throws {
        var changed = RowBatch(.changeLeases)
        for place in page.leases.changedPlaces {
            guard let lease = page.leases[place], let id = leases[place] else { continue }
            changed.append([
                .of(id), .of(lease.subject), .of(lease.expires), .of(lease.delivered), .of(lease.ended),
                .of(lease.reason),
            ])
        }
        try changed.run(in: database)
    }

    private func addLeases(_ page: CatalogPage) throws {
        var (new, hashes) = (RowBatch(.addLeases), RowBatch(.addReceiptHashes))
        var places: [Int] = []
        for place in page.leases.changedPlaces where leases[place] == nil {
            guard let lease = page.leases[place] else { continue }
            places.append(place)
            new.append([
                .of(try blob(of: lease.address, page)), .of(lease.owner), .of(lease.subject), .of(lease.created),
                .of(lease.expires), .of(lease.limit), .of(lease.recipients), .of(lease.hashes), .of(lease.delivered),
                .of(lease.via), .of(lease.ended), .of(lease.reason),
            ])
        }
        try new.run(in: database)
        note(places, in: &leases)
        for entry in page.receiptHashes.changed {
            guard let place = entry.current, let id = leases[place] else { continue }
            hashes.append([.of(try blob(of: entry.key.address, page)), .of(entry.key.hash), .of(id)])
        }
        try hashes.run(in: database)
        try addAliases(page)
    }

    private func addAliases(_ page: CatalogPage) throws {
        var new = RowBatch(.addAliases)
        for entry in page.aliases.changed {
            if let id = entry.current.flatMap({ leases[$0] }) { new.append([.of(entry.key), .of(id)]) }
        }
        try new.run(in: database)
    }

    private func blob(of address: BlobAddress, _ page: CatalogPage) throws -> Int64 {
        guard let id = page.blobs.place(peeking: address).flatMap({ blobs[$0] }) else {
            throw CatalogError.failed("catalog: a lease on a blob without a row")
        }
        return id
    }

    private func dropLeases(_ page: CatalogPage) throws {
        var (receipts, hashes, aliases, dropped) = (
            RowBatch(.dropReceipts), RowBatch(.dropReceiptHashes), RowBatch(.dropAliases), RowBatch(.dropLeases)
        )
        for place in page.leases.changedPlaces where page.leases[place] == nil {
            guard let id = leases[place] else { continue }
            receipts.append([.of(id)])
            hashes.append([.of(id)])
            aliases.append([.of(id)])
            dropped.append([.of(id)])
        }
        for batch in [receipts, hashes, aliases, dropped] { try batch.run(in: database) }
    }

    private func addReceipts(_ page: CatalogPage) throws {
        var new = RowBatch(.addReceipts)
        for entry in page.receipts.changed {
            // A lease that is forgotten in the same batch takes them with it.
            guard let at = entry.current, page.leases[entry.key.lease] != nil, let lease = leases[entry.key.lease]
            else { continue }
            new.append([.of(lease), .of(entry.key.hash), .of(entry.key.recipient), .of(at)])
        }
        try new.run(in: database)
    }

    private func writeCharges(_ page: CatalogPage) throws {
        var (changed, idle) = (RowBatch(.changeUsages), RowBatch(.dropUsages))
        for entry in page.charges.changed {
            let charge = entry.current ?? Usage()
            // Whoever makes a lease is charged for it.
            let day = page.days.peek(entry.key)
            if charge == Usage() && day == nil { continue }
            changed.append([
                .of(entry.key), .of(charge.leases), .of(charge.bytes), .of(day?.began ?? Timestamp(seconds: 0)),
                .of(day?.made ?? 0),
            ])
        }
        for entry in page.days.changed where entry.current == nil { idle.append([.of(entry.key)]) }
        try changed.run(in: database)
        try idle.run(in: database)
    }

    // MARK: The rest

    private func writeUploads(_ page: CatalogPage) throws {
        var (kept, dropped) = (RowBatch(.keepUploads), RowBatch(.dropUploads))
        for entry in page.uploads.changed {
            if let upload = entry.current {
                kept.append(try upload.values())
            } else {
                dropped.append([.of(entry.key)])
            }
        }
        try dropped.run(in: database)
        try kept.run(in: database)
    }

    private func writeSightings(_ page: CatalogPage) throws {
        var (kept, dropped) = (RowBatch(.keepSightings), RowBatch(.dropSightings))
        for entry in page.sightings.changed {
            if let sighting = entry.current {
                kept.append([.of(entry.key), .of(sighting.firstSeen), .of(sighting.lastPass)])
            } else {
                dropped.append([.of(entry.key)])
            }
        }
        try dropped.run(in: database)
        try kept.run(in: database)
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

    /// Brings the kept sums up to date: those that change, one by one, since they are few.
    private func writeSums(_ difference: StoreSums) throws {
        for (kind, sum) in difference.kinds where sum != BlobTotal() {
            var change = RowBatch(.changeSums)
            change.append([.of(kind), .of(sum.count), .of(sum.bytes)])
            try change.run(in: database)
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

import Blobs
import Foundation
import GRDB
import Store
import StoreRules

/// Rows onto the page. What whole tables are asked for comes first, since it says which blobs to look at; leases come
/// behind their blobs.
extension SQLiteTransaction {
    func loadAll(_ page: inout CatalogPage) throws {
        let finds = page.finds.takeRequests()
        for place in finds { try loadFind(place, &page) }
        try loadBlobs(&page)
        try loadBans(&page)
        try loadOpenLeases(finds, &page)
        try loadNamedLeases(&page)
        try loadReceiptHashes(&page)
        try loadAliases(&page)
        try loadDeliveries(&page)
        try loadUsages(&page)
        try loadShares(&page)
        try loadUploads(&page)
        try loadSightings(&page)
        try loadNextEnds(&page)
    }

    // MARK: Blobs

    private func loadBlobs(_ page: inout CatalogPage) throws {
        var keys = RowBatch(.findBlobs)
        for place in page.blobs.takeRequests() { keys.append([.of(place), .of(page.blobs.key(at: place))]) }
        try keys.forEachRow(in: database) { row in
            let place: Int = row[0]
            page.blobs.fill(place, try BlobRow(row, from: 1))
            blobs.note(row[1], at: place)
        }
    }

    private func loadBans(_ page: inout CatalogPage) throws {
        var keys = RowBatch(.findBans)
        for place in page.bans.takeRequests() { keys.append([.of(place), .of(page.bans.key(at: place))]) }
        try keys.forEachRow(in: database) { page.bans.fill($0[0], Timestamp(seconds: $0[1])) }
    }

    // MARK: Leases

    /// The place of the lease in `row`, whose columns begin at `column`; it comes onto the page unless it is there.
    private func place(
        of row: some RowValues, from column: Int, on address: BlobAddress, _ page: inout CatalogPage
    ) throws -> Int {
        let id: Int64 = row[column]
        if let place = leases.place(of: id) { return place }
        let lease = try LeaseRow(row, from: column, on: address)
        let place =
            if let key = lease.key {
                page.leases.load(key, lease)
            } else {
                page.leases.load(nameless: LeaseKey(address: address, holder: .subject("")), lease)
            }
        leases.note(id, at: place)
        return place
    }

    private func loadOpenLeases(_ finds: [Int], _ page: inout CatalogPage) throws {
        var (due, remembered) = (RowBatch(.findOpenLeases), RowBatch(.findRememberedLeases))
        var last: [Int: RowBatch] = [:]
        var found: [Int: (blob: BlobAddress, leases: [Int])] = [:]
        for place in finds {
            guard case .leases(let address, let which) = page.finds.key(at: place) else { continue }
            found[place] = (address, [])
            guard let blob = try blobID(of: address, &page) else { continue }
            switch which {
            case .all: due.append([.of(place), .of(blob), .of(Int64.max)])
            case .due: due.append([.of(place), .of(blob), .of(page.now)])
            case .remembered: remembered.append([.of(place), .of(blob)])
            case .last(let limit):
                last[limit, default: RowBatch(.findLastLeases(limit: limit))].append([.of(place), .of(blob)])
            }
        }
        for keys in [due, remembered] + last.values {
            try keys.forEachRow(in: database) { row in
                guard let address = found[row[0]]?.blob else { return }
                found[row[0]]?.leases.append(try place(of: row, from: 1, on: address, &page))
            }
        }
        for (place, answer) in found { page.fill(findAt: place, answer.leases) }
    }

    private func loadNamedLeases(_ page: inout CatalogPage) throws {
        var (owned, unowned) = (RowBatch(.findOwnedLeases), RowBatch(.findUnownedLeases))
        for place in page.leases.takeRequests() {
            let key = page.leases.key(at: place)
            guard let blob = try blobID(of: key.address, &page) else { continue }
            switch key.holder {
            case .owner(let owner): owned.append([.of(place), .of(blob), .of(owner)])
            case .subject(let subject): unowned.append([.of(place), .of(blob), .of(subject)])
            }
        }
        func take(_ row: StatementRow) throws {
            let place: Int = row[0]
            page.leases.fill(place, try LeaseRow(row, from: 1, on: page.leases.key(at: place).address))
            leases.note(row[1], at: place)
        }
        try owned.forEachRow(in: database, take)
        try unowned.forEachRow(in: database, take)
    }

    private func loadReceiptHashes(_ page: inout CatalogPage) throws {
        var keys = RowBatch(.findReceiptHashes)
        for place in page.receiptHashes.takeRequests() {
            let key = page.receiptHashes.key(at: place)
            // On a blob that is new every hash is.
            if let blob = try blobID(of: key.address, &page) { keys.append([.of(place), .of(blob), .of(key.hash)]) }
        }
        try keys.forEachRow(in: database) { row in
            let address = page.receiptHashes.key(at: row[0]).address
            page.receiptHashes.fill(row[0], try place(of: row, from: 1, on: address, &page))
        }
    }

    private func loadAliases(_ page: inout CatalogPage) throws {
        var keys = RowBatch(.findAliases)
        for place in page.aliases.takeRequests() { keys.append([.of(place), .of(page.aliases.key(at: place))]) }
        try keys.forEachRow(in: database) { row in
            page.aliases.fill(row[0], try place(of: row, from: 2, on: try row.address(1), &page))
        }
    }

    private func loadDeliveries(_ page: inout CatalogPage) throws {
        var keys = RowBatch(.findDeliveries)
        for place in page.deliveries.takeRequests() {
            let key = page.deliveries.key(at: place)
            guard let blob = try blobID(of: key.address, &page) else { continue }
            keys.append([.of(place), .of(blob), .of(key.hash), .of(key.recipient)])
        }
        try keys.forEachRow(in: database) { row in
            let place: Int = row[0]
            let lease = try self.place(of: row, from: 4, on: page.deliveries.key(at: place).address, &page)
            page.deliveries.fill(
                place, StoredDelivery(lease: lease, received: row[1], isKnownSecret: row[2], isKnownRecipient: row[3]))
        }
    }

    private func blobID(of address: BlobAddress, _ page: inout CatalogPage) throws -> Int64? {
        page.blobs.request(address)
        if !page.blobs.isComplete { try loadBlobs(&page) }
        return page.blobs.place(address).flatMap { blobs[$0] }
    }

    // MARK: Whole tables

    private func loadFind(_ place: Int, _ page: inout CatalogPage) throws {
        switch page.finds.key(at: place) {
        case .leases: break
        case .dueLeases(let limit):
            try loadLeases(
                place, &page, limit: limit, where: "ended IS NULL AND expires <= ?", [page.now.seconds], by: "expires")
        case .leasesOfSubject(let subject, let limit):
            try loadLeases(
                place, &page, limit: limit, where: "ended IS NULL AND subject = ?", [subject], by: "expires")
        case .endedLeases(let end, let limit, let receipts):
            try loadLeases(
                place, &page, limit: limit, receipts: receipts, where: "ended IS NOT NULL AND ended < ?",
                [end.seconds], by: "ended")
        case .formerlyShown(let end, let limit): try loadOldBlobs(place, &page, OldBlobs.formerlyShown, end, limit)
        case .tombstones(let end, let limit): try loadOldBlobs(place, &page, OldBlobs.forgettable, end, limit)
        case .idleSubjects(let begin, let limit):
            var found: [Int] = []
            try database.forEachRow(
                """
                SELECT subject, day, made FROM charge INDEXED BY charge_idle
                WHERE leases = 0 AND day < ? ORDER BY day LIMIT ?
                """, [begin.seconds, limit]
            ) { row in
                found.append(page.days.load(row[0], LeaseDay(began: Timestamp(seconds: row[1]), made: row[2])))
            }
            page.finds.fill(place, found)
        case .sightings(let pass, let limit):
            var found: [Int] = []
            try database.forEachRow(
                "SELECT address, first_seen, last_pass FROM orphan WHERE last_pass <> ? ORDER BY address LIMIT ?",
                [pass, limit]
            ) { row in
                found.append(page.sightings.load(try row.address(0), OrphanSighting(row, from: 1)))
            }
            page.finds.fill(place, found)
        }
    }

    private func loadOldBlobs(
        _ find: Int, _ page: inout CatalogPage, _ blobs: OldBlobs, _ end: Timestamp, _ limit: Int
    ) throws {
        var found: [Int] = []
        try database.forEachRow(blobs.select(BlobRow.columns), [end.seconds, limit]) { row in
            let blob = try BlobRow(row)
            let place = page.blobs.load(blob.address, blob)
            self.blobs.note(row[0], at: place)
            found.append(place)
        }
        page.finds.fill(find, found)
    }

    private func loadLeases(
        _ find: Int, _ page: inout CatalogPage, limit: Int, receipts: Int = .max, where condition: String,
        _ arguments: StatementArguments, by order: String
    ) throws {
        var found: [Int] = []
        var left = receipts
        let counted = receipts < .max ? "hashes + (SELECT count(*) FROM receipt WHERE receipt.lease = lease.id)" : "0"
        try database.forEachRow(
            """
            SELECT (SELECT address FROM blob WHERE blob.id = lease.blob), \(counted), \(LeaseRow.columns)
            FROM lease WHERE \(condition) ORDER BY \(order), lease.id LIMIT ?
            """, arguments + [limit]
        ) { row in
            guard left > 0 else { return }
            left -= row[1]
            let address = try row.address(0)
            found.append(try place(of: row, from: 2, on: address, &page))
            // Those that end change their blobs.
            if order == "expires" { page.blobs.request(address) }
        }
        page.finds.fill(find, found)
    }

    // MARK: The rest

    private func loadUsages(_ page: inout CatalogPage) throws {
        var keys = RowBatch(.findUsages)
        for place in page.usages.takeRequests() { keys.append([.of(place), .of(page.usages.key(at: place))]) }
        try keys.forEachRow(in: database) { row in
            page.usages.fill(row[0], Usage(leases: row[1], bytes: row[2]))
            _ = page.days.load(page.usages.key(at: row[0]), LeaseDay(began: Timestamp(seconds: row[3]), made: row[4]))
        }
    }

    private func loadShares(_ page: inout CatalogPage) throws {
        var keys = RowBatch(.findShares)
        for place in page.shares.takeRequests() {
            let key = page.shares.key(at: place)
            if let blob = try blobID(of: key.address, &page) { keys.append([.of(place), .of(blob), .of(key.subject)]) }
        }
        try keys.forEachRow(in: database) { row in
            page.shares.fill(row[0], LeaseShare(leases: row[1], nextEnd: row.timestamp(2)))
        }
    }

    private func loadUploads(_ page: inout CatalogPage) throws {
        var keys = RowBatch(.findUploads)
        for place in page.uploads.takeRequests() { keys.append([.of(place), .of(page.uploads.key(at: place))]) }
        try keys.forEachNamedRow(in: database) { page.uploads.fill($0[0], try ResumableUpload($0)) }
    }

    private func loadSightings(_ page: inout CatalogPage) throws {
        var keys = RowBatch(.findSightings)
        for place in page.sightings.takeRequests() {
            keys.append([.of(place), .of(page.sightings.key(at: place))])
        }
        try keys.forEachRow(in: database) { page.sightings.fill($0[0], OrphanSighting($0, from: 1)) }
    }

    private func loadNextEnds(_ page: inout CatalogPage) throws {
        for place in page.nextEnds.takeRequests() {
            let end =
                switch page.nextEnds.key(at: place) {
                case .subject(let subject):
                    try database.number(
                        "SELECT min(expires) FROM lease WHERE subject = ? AND ended IS NULL", [subject])
                case .address(let address):
                    try database.number(
                        "SELECT min(expires) FROM lease WHERE blob = ? AND ended IS NULL AND via IS NULL",
                        [try blobID(of: address, &page)])
                }
            page.nextEnds.fill(place, end.map { Timestamp(seconds: $0) })
        }
    }
}

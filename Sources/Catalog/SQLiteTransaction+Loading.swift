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
        try loadDeliveries(&page)
        try loadUsages(&page)
        try loadUploads(&page)
        try loadSightings(&page)
        try loadNextEnds(&page)
    }

    // MARK: Blobs

    private func loadBlobs(_ page: inout CatalogPage) throws {
        var keys = RowBatch(width: 2)
        for place in page.blobs.takeRequests() { keys.append([place, page.blobs.entries[place].key.data]) }
        try database.forEachRow(keys) {
            "SELECT column1, \(BlobRow.columns) FROM \($0) CROSS JOIN blob ON address = column2"
        } _: { row in
            let place: Int = row[0]
            page.blobs.fill(place, try BlobRow(row, from: 1))
            blobs.note(row[1], at: place)
        }
    }

    private func loadBans(_ page: inout CatalogPage) throws {
        var keys = RowBatch(width: 2)
        for place in page.bans.takeRequests() { keys.append([place, page.bans.entries[place].key.data]) }
        try database.forEachRow(keys) {
            "SELECT column1, since FROM \($0) CROSS JOIN ban ON address = column2"
        } _: { row in
            page.bans.fill(row[0], Timestamp(seconds: row[1]))
        }
    }

    // MARK: Leases

    /// The place of the lease in `row`, whose columns begin at `column`; it comes onto the page unless it is there.
    private func place(
        of row: Row, from column: Int, on address: BlobAddress, _ page: inout CatalogPage
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
        var keys = RowBatch(width: 2)
        var found: [Int: [Int]] = [:]
        for place in finds {
            guard case .leases(let address) = page.finds.entries[place].key else { continue }
            found[place] = []
            guard let blob = try blobID(of: address, &page) else { continue }
            keys.append([place, blob])
        }
        try database.forEachRow(keys) {
            """
            SELECT column1, \(LeaseRow.columns) FROM \($0)
            CROSS JOIN lease INDEXED BY lease_of_blob ON blob = column2 AND ended IS NULL ORDER BY column1, id
            """
        } _: { row in
            guard case .leases(let address) = page.finds.entries[row[0]].key else { return }
            found[row[0], default: []].append(try place(of: row, from: 1, on: address, &page))
        }
        for (place, leases) in found { page.fill(findAt: place, leases) }
    }

    private func loadNamedLeases(_ page: inout CatalogPage) throws {
        var (owned, unowned) = (RowBatch(width: 3), RowBatch(width: 3))
        for place in page.leases.takeRequests() {
            let key = page.leases.entries[place].key
            guard let blob = try blobID(of: key.address, &page) else { continue }
            switch key.holder {
            case .owner(let owner): owned.append([place, blob, owner.data])
            case .subject(let subject): unowned.append([place, blob, subject])
            }
        }
        func take(_ row: Row) throws {
            let place: Int = row[0]
            page.leases.fill(place, try LeaseRow(row, from: 1, on: page.leases.entries[place].key.address))
            leases.note(row[1], at: place)
        }
        try database.forEachRow(
            owned,
            {
                """
                SELECT column1, \(LeaseRow.columns) FROM \($0)
                CROSS JOIN lease INDEXED BY lease_owner ON blob = column2 AND owner = column3
                """
            }, take)
        try database.forEachRow(
            unowned,
            {
                """
                SELECT column1, \(LeaseRow.columns) FROM \($0)
                CROSS JOIN lease INDEXED BY lease_unowned
                ON blob = column2 AND subject = column3 AND owner IS NULL AND ended IS NULL
                """
            }, take)
    }

    /// The newest leases that admit each secret.
    private func loadDeliveries(_ page: inout CatalogPage) throws {
        var keys = RowBatch(width: 4)
        var found: [Int: [StoredDelivery]] = [:]
        for place in page.deliveries.takeRequests() {
            let key = page.deliveries.entries[place].key
            found[place] = []
            guard let blob = try blobID(of: key.address, &page) else { continue }
            keys.append([place, blob, key.hash.data, key.recipient.data])
        }
        try database.forEachRow(keys) {
            """
            SELECT column1,
                (SELECT count(*) FROM receipt WHERE lease = id),
                EXISTS (SELECT 1 FROM receipt WHERE lease = id AND hash = column3),
                EXISTS (SELECT 1 FROM receipt WHERE lease = id AND hash = column3 AND recipient = column4),
                \(LeaseRow.columns)
            FROM \($0) CROSS JOIN lease ON id IN (
                SELECT lease FROM receipt_hash WHERE receipt_hash.blob = column2 AND hash = column3
                ORDER BY lease DESC LIMIT \(Catalog.pageRows))
            """
        } _: { row in
            let place: Int = row[0]
            let lease = try self.place(of: row, from: 4, on: page.deliveries.entries[place].key.address, &page)
            found[place, default: []].append(
                StoredDelivery(lease: lease, received: row[1], isKnownSecret: row[2], isKnownRecipient: row[3]))
        }
        for (place, deliveries) in found { page.deliveries.fill(place, deliveries) }
    }

    private func blobID(of address: BlobAddress, _ page: inout CatalogPage) throws -> Int64? {
        page.blobs.request(address)
        if !page.blobs.isComplete { try loadBlobs(&page) }
        return page.blobs.place(address).flatMap { blobs[$0] }
    }

    // MARK: Whole tables

    private func loadFind(_ place: Int, _ page: inout CatalogPage) throws {
        switch page.finds.entries[place].key {
        case .leases: break
        case .dueLeases(let limit):
            try loadLeases(place, &page, limit: limit, where: "ended IS NULL AND expires <= ?", page.now, by: "expires")
        case .endedLeases(let end, let limit):
            try loadLeases(place, &page, limit: limit, where: "ended IS NOT NULL AND ended < ?", end, by: "ended")
        case .tombstones(let end, let limit):
            let rows = try database.rows(
                """
                SELECT \(BlobRow.columns) FROM blob INDEXED BY blob_gone WHERE state = 4 AND ended < ?
                AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.blob = blob.id) ORDER BY ended LIMIT ?
                """, [end.seconds, limit])
            page.finds.fill(
                place,
                try rows.map { row in
                    let blob = try BlobRow(row, from: 0)
                    let place = page.blobs.load(blob.address, blob)
                    blobs.note(row[0], at: place)
                    return place
                })
        case .sightings(let pass, let limit):
            let rows = try database.rows(
                "SELECT address, first_seen, last_pass FROM orphan WHERE last_pass <> ? ORDER BY address LIMIT ?",
                [pass, limit])
            page.finds.fill(
                place,
                try rows.map {
                    page.sightings.load(try $0.address(), OrphanSighting($0, from: 1))
                })
        }
    }

    private func loadLeases(
        _ find: Int, _ page: inout CatalogPage, limit: Int, where condition: String, _ time: Timestamp, by order: String
    ) throws {
        let rows = try database.rows(
            """
            SELECT \(LeaseRow.columns), (SELECT address FROM blob WHERE blob.id = lease.blob) AS address
            FROM lease WHERE \(condition) ORDER BY \(order), id LIMIT ?
            """, [time.seconds, limit])
        page.finds.fill(
            find,
            try rows.map { row in
                let address = try row.address()
                if order == "expires" { page.blobs.request(address) }
                return try place(of: row, from: 0, on: address, &page)
            })
    }

    // MARK: The rest

    private func loadUsages(_ page: inout CatalogPage) throws {
        var keys = RowBatch(width: 2)
        for place in page.usages.takeRequests() { keys.append([place, page.usages.entries[place].key]) }
        try database.forEachRow(keys) {
            "SELECT column1, leases, bytes FROM \($0) CROSS JOIN charge ON subject = column2"
        } _: { row in
            page.usages.fill(row[0], Usage(leases: row[1], bytes: row[2]))
        }
    }

    private func loadUploads(_ page: inout CatalogPage) throws {
        var keys = RowBatch(width: 2)
        for place in page.uploads.takeRequests() { keys.append([place, page.uploads.entries[place].key.data]) }
        try database.forEachRow(keys) {
            "SELECT column1, \(ResumableUpload.columns) FROM \($0) CROSS JOIN upload ON id = column2"
        } _: { row in
            page.uploads.fill(row[0], try ResumableUpload(row))
        }
    }

    private func loadSightings(_ page: inout CatalogPage) throws {
        var keys = RowBatch(width: 2)
        for place in page.sightings.takeRequests() { keys.append([place, page.sightings.entries[place].key.data]) }
        try database.forEachRow(keys) {
            "SELECT column1, first_seen, last_pass FROM \($0) CROSS JOIN orphan ON address = column2"
        } _: { row in
            page.sightings.fill(row[0], OrphanSighting(row, from: 1))
        }
    }

    private func loadNextEnds(_ page: inout CatalogPage) throws {
        for place in page.nextEnds.takeRequests() {
            let end =
                switch page.nextEnds.entries[place].key {
                case .subject(let subject):
                    try database.number(
                        "SELECT min(expires) FROM lease WHERE subject = ? AND ended IS NULL", [subject])
                case .address(let address):
                    try database.number(
                        "SELECT min(expires) FROM lease WHERE blob = ? AND ended IS NULL",
                        [try blobID(of: address, &page)])
                }
            page.nextEnds.fill(place, end.map { Timestamp(seconds: $0) })
        }
    }
}

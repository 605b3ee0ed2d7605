import Blobs
import Store
import StoreRules

/// Rows that are asked for by their keys.
extension SharedTransaction {
    func keyQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        banQuestions(&page) + namedLeaseQuestions(&page) + receiptHashQuestions(&page) + aliasQuestions(&page)
            + deliveryQuestions(&page)
    }

    private func question(
        _ statement: PostgresStatement, _ table: ColumnTable,
        _ take: @escaping (ResultRow, _ place: Int, inout CatalogPage) throws(SharedCatalogError) -> Void
    ) -> [RowQuestion] {
        if table.isEmpty { return [] }
        return [
            RowQuestion(statement: statement, parameters: table.parameters) { rows, page throws(SharedCatalogError) in
                for row in rows.all { try take(row, try row.int(0), &page) }
            }
        ]
    }

    private func banQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        let asked = page.bans.takeRequests().map { page.bans.key(at: $0) }
        if asked.isEmpty { return [] }
        return [
            RowQuestion(statement: .findBans, parameters: [.addresses(asked)]) {
                rows, page throws(SharedCatalogError) in
                for row in rows.all {
                    guard let place = page.bans.place(peeking: try row.address(0)) else { continue }
                    page.bans.fill(place, try row.time(1))
                }
            }
        ]
    }

    private func namedLeaseQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        var owned = ColumnTable(.number, .bytes, .bytes)
        var unowned = ColumnTable(.number, .bytes, .text)
        for place in page.leases.takeRequests() {
            let key = page.leases.key(at: place)
            switch key.holder {
            case .owner(let owner): owned.append(.of(place), .of(key.address), .of(owner as SecretHash?))
            case .subject(let subject): unowned.append(.of(place), .of(key.address), .text(subject))
            }
        }
        func take(
            _ row: ResultRow, _ place: Int, _ page: inout CatalogPage
        ) throws(SharedCatalogError) {
            let number = try row.number(1)
            page.leases.fill(place, try LeaseRow(row, from: 1))
            leases.note(number, at: place)
        }
        return question(.findOwnedLeases, owned, take) + question(.findUnownedLeases, unowned, take)
    }

    private func receiptHashQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        var keys = ColumnTable(.number, .bytes, .bytes)
        for place in page.receiptHashes.takeRequests() {
            let key = page.receiptHashes.key(at: place)
            keys.append(.of(place), .of(key.address), .of(key.hash as SecretHash?))
        }
        return question(.findReceiptHashes, keys) { row, place, page throws(SharedCatalogError) in
            page.receiptHashes.fill(place, try self.place(of: row, &page))
        }
    }

    private func aliasQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        var keys = ColumnTable(.number, .bytes)
        for place in page.aliases.takeRequests() { keys.append(.of(place), .of(page.aliases.key(at: place))) }
        return question(.findAliases, keys) { row, place, page throws(SharedCatalogError) in
            page.aliases.fill(place, try self.place(of: row, &page))
        }
    }

    private func deliveryQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        var keys = ColumnTable(.number, .bytes, .bytes, .bytes)
        for place in page.deliveries.takeRequests() {
            let key = page.deliveries.key(at: place)
            keys.append(
                .of(place), .of(key.address), .of(key.hash as SecretHash?), .of(key.recipient as Recipient?))
        }
        return question(.findDeliveries, keys) { row, place, page throws(SharedCatalogError) in
            page.deliveries.fill(
                place,
                StoredDelivery(
                    lease: try self.place(of: row, &page), received: try row.int(14), isKnownSecret: try row.flag(15),
                    isKnownRecipient: try row.flag(16)))
        }
    }

    // MARK: Figures

    /// What is only asked for where a limit is hit, and the background check.
    func figureQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        // Nothing is kept here of files without a row.
        _ = page.sightings.takeRequests()
        return shareQuestions(&page) + nextEndQuestions(&page) + scrubQuestions(&page)
    }

    private func shareQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        var keys = ColumnTable(.number, .bytes, .text)
        for place in page.shares.takeRequests() {
            let key = page.shares.key(at: place)
            keys.append(.of(place), .of(key.address), .text(key.subject))
        }
        return question(.findShares, keys) { row, place, page throws(SharedCatalogError) in
            page.shares.fill(place, LeaseShare(leases: try row.int(1), nextEnd: row.optionalTime(2)))
        }
    }

    private func nextEndQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        var subjects = ColumnTable(.number, .text)
        var blobs = ColumnTable(.number, .bytes)
        for place in page.nextEnds.takeRequests() {
            switch page.nextEnds.key(at: place) {
            case .subject(let subject): subjects.append(.of(place), .text(subject))
            case .address(let address): blobs.append(.of(place), .of(address))
            }
        }
        func take(_ row: ResultRow, _ place: Int, _ page: inout CatalogPage) throws(SharedCatalogError) {
            page.nextEnds.fill(place, row.optionalTime(1))
        }
        return question(.findNextEndsOfSubjects, subjects, take) + question(.findNextEndsOnBlobs, blobs, take)
    }

    private func scrubQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        let asked = page.scrubs.takeRequests()
        if asked.isEmpty { return [] }
        return [
            RowQuestion(statement: .findScrubs, parameters: []) { rows, page throws(SharedCatalogError) in
                for row in rows.all {
                    guard let key = ScrubRow.Place(rawValue: try row.int(0)) else { continue }
                    guard let place = page.scrubs.place(peeking: key) else { continue }
                    page.scrubs.fill(place, try ScrubRow(row))
                }
            }
        ]
    }
}

extension ScrubRow {
    /// From the columns of `PostgresStatement.findScrubs`.
    init(_ row: ResultRow) throws(SharedCatalogError) {
        self.init(began: try row.time(1))
        latest = try row.time(2)
        cursor = try row.optionalAddress(3)
        blobs = try row.number(4)
        bytes = try row.number(5)
        damaged = try row.number(6)
    }
}

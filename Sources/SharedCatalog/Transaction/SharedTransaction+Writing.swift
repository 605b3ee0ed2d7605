import Blobs
import Store
import StoreRules

/// What has changed on the page into the tables, gathered for one round trip. What can be waited for comes in one order:
/// subjects that were not locked yet, new blobs, bans, aliases. Leases end before others come, since only one of a name lives.
extension SharedTransaction {
    func writeAll(_ page: CatalogPage) throws(SharedCatalogError) {
        try gatherNumbers(page)
        try lockOthers(page)
        try writeBlobs(page)
        try writeBans(page)
        try dropLeases(page)
        try changeLeases(page)
        try addLeases(page)
        try addReceipts(page)
        try writeCharges(page)
        try writeUploads(page)
        try writeObjects(page)
        try writeChanges(page)
        try writeScrubs(page)
        try writeSums(page.sums)
        try writeStore(page)
    }

    func put(_ statement: PostgresStatement, _ parameters: PostgresParameter...) throws(SharedCatalogError) {
        try session.queue(statement, parameters)
        hasWrites = true
    }

    func put(_ statement: PostgresStatement, _ table: ColumnTable) throws(SharedCatalogError) {
        if table.isEmpty { return }
        try session.queue(statement, table.parameters)
        hasWrites = true
    }

    /// Asks for numbers where a batch makes more leases than others do; before anything else is gathered.
    private func gatherNumbers(_ page: CatalogPage) throws(SharedCatalogError) {
        guard let lane else { return }
        let new = page.leases.changedPlaces.count { page.leases[$0] != nil && leases[$0] == nil }
        let missing = new - lane.numbers.count
        if missing <= 0 { return }
        let blocks = missing / Int(LeaseNumbers.blockLength) + 1
        for row in try session.ask(.takeNumbers, .init(.of(blocks))).all {
            try lane.numbers.add(block: try row.number(0))
        }
    }

    /// Locks the subjects whose leases end. Whoever holds rows already that come behind them waits for nobody.
    private func lockOthers(_ page: CatalogPage) throws(SharedCatalogError) {
        let others = Set(page.charges.changed.filter { $0.current ?? Usage() != Usage() }.map(\.key))
            .subtracting(subjects)
        if others.isEmpty { return }
        late.subjects.formUnion(others)
        let waits = subjects.isEmpty && !hasUploads
        try put(waits ? .lockCharges : .lockChargesAtOnce, .texts(others.sorted()))
    }

    // MARK: Blobs

    private func writeBlobs(_ page: CatalogPage) throws(SharedCatalogError) {
        var (new, changed) = (BlobRow.table, BlobRow.table)
        var (placeholders, added): ([BlobAddress], [BlobAddress]) = ([], [])
        var dropped: [BlobAddress] = []
        guard objects.changedBlobs.allSatisfy({ page.blobs.place(peeking: $0) != nil }) else {
            throw .failed("the database: an object for a blob that nothing was asked about")
        }
        let entries = page.blobs.entries.filter { $0.isChanged || objects.changedBlobs.contains($0.key) }
        for entry in entries.sorted(by: { $0.key < $1.key }) {
            guard let blob = entry.current else {
                if entry.stored != nil { dropped.append(entry.key) }
                continue
            }
            if entry.stored == nil {
                added.append(entry.key)
                try blob.append(to: &new, objects[entry.key])
            } else {
                try blob.append(to: &changed, objects[entry.key])
            }
        }
        // Of two that ban an address and upload it at once, one waits for the other, and finds out.
        for entry in page.bans.changed where entry.current != nil {
            let place = page.blobs.place(peeking: entry.key)
            let isNowhere = place.map { page.blobs.entries[$0].stored == nil && page.blobs[$0] == nil } ?? true
            if isNowhere { placeholders.append(entry.key) }
        }
        for address in placeholders.sorted() {
            let blob = BlobRow(address: address, size: 0, state: .gone, uploaded: page.now)
            try blob.append(to: &new, nil)
        }
        try put(.addBlobs, new)
        try put(.changeBlobs, changed)
        if !dropped.isEmpty || !placeholders.isEmpty { try put(.dropBlobs, .addresses(dropped + placeholders)) }
        let judged = added.filter { address in
            guard let place = page.bans.place(peeking: address) else { return false }
            return page.bans.entries[place].stored == nil && page.bans[place] == nil
        }
        if !judged.isEmpty { try put(.expectNoBans, .addresses(judged)) }
    }

    private func writeBans(_ page: CatalogPage) throws(SharedCatalogError) {
        var new = ColumnTable(.bytes, .number)
        var lifted: [BlobAddress] = []
        for entry in page.bans.changed.sorted(by: { $0.key < $1.key }) {
            if let since = entry.current { new.append(.of(entry.key), .of(since)) } else { lifted.append(entry.key) }
        }
        if !lifted.isEmpty { try put(.liftBans, .addresses(lifted)) }
        try put(.addBans, new)
    }

    // MARK: Leases

    private func dropLeases(_ page: CatalogPage) throws(SharedCatalogError) {
        let numbers = page.leases.changedPlaces.filter { page.leases[$0] == nil }.compactMap { leases[$0] }
        if numbers.isEmpty { return }
        for statement in PostgresStatement.dropLeases { try put(statement, .numbers(numbers)) }
    }

    private func changeLeases(_ page: CatalogPage) throws(SharedCatalogError) {
        var changed = ColumnTable(.number, .text, .number, .number, .number, .text)
        for place in page.leases.changedPlaces {
            guard let lease = page.leases[place], let number = leases[place] else { continue }
            changed.append(
                .number(number), .of(lease.subject), .of(lease.expires), .of(lease.delivered), .of(lease.ended),
                .of(lease.reason))
        }
        try put(.changeLeases, changed)
    }

    private func addLeases(_ page: CatalogPage) throws(SharedCatalogError) {
        var new = LeaseRow.table
        for place in page.leases.changedPlaces where leases[place] == nil {
            guard let lease = page.leases[place], let lane else { continue }
            let number = try lane.numbers.take()
            leases.note(number, at: place)
            lease.append(to: &new, number: number)
        }
        try put(.addLeases, new)
        var hashes = ColumnTable(.bytes, .bytes, .number)
        for entry in page.receiptHashes.changed {
            guard let place = entry.current, page.leases[place] != nil, let number = leases[place] else { continue }
            hashes.append(.of(entry.key.address), .of(entry.key.hash as SecretHash?), .number(number))
        }
        try put(.addReceiptHashes, hashes)
        var aliases = ColumnTable(.bytes, .number)
        for entry in page.aliases.changed {
            guard let place = entry.current, page.leases[place] != nil, let number = leases[place] else { continue }
            aliases.append(.of(entry.key), .number(number))
        }
        try put(.addAliases, aliases)
    }

    private func addReceipts(_ page: CatalogPage) throws(SharedCatalogError) {
        var new = ColumnTable(.number, .bytes, .bytes, .number)
        for entry in page.receipts.changed {
            // A lease that is forgotten in the same batch takes them with it.
            guard let at = entry.current, page.leases[entry.key.lease] != nil, let number = leases[entry.key.lease]
            else { continue }
            new.append(
                .number(number), .of(entry.key.hash as SecretHash?), .of(entry.key.recipient as Recipient?), .of(at))
        }
        try put(.addReceipts, new)
    }

    private func writeCharges(_ page: CatalogPage) throws(SharedCatalogError) {
        var changed = ColumnTable(.text, .number, .number, .number, .number)
        var unused = newSubjects
        for entry in page.charges.changed {
            let charge = entry.current ?? Usage()
            // Whoever makes a lease is charged for it.
            let day = page.days.peek(entry.key)
            if charge == Usage() && day == nil { continue }
            unused.remove(entry.key)
            changed.append(
                .text(entry.key), .of(charge.leases), .number(charge.bytes), .of(day?.began ?? Timestamp(seconds: 0)),
                .of(day?.made ?? 0))
        }
        try put(.changeCharges, changed)
        let idle = page.days.changed.filter { $0.current == nil }.map(\.key) + unused
        if !idle.isEmpty { try put(.dropCharges, .texts(idle.sorted())) }
    }
}

package import Blobs
package import Store
package import StoreRules

/// A catalog in memory, for tests: the same changes as on a disk, with dictionaries for tables. Used by one thread at a
/// time.
package struct MemoryCatalog: Sendable {
    /// A lease with what is stored beside its row.
    package struct StoredLease: Sendable {
        package var row: LeaseRow
        package var hashes: [SecretHash] = []
        package var receipts: [(hash: SecretHash, recipient: Recipient, at: Timestamp)] = []
    }

    package var blobs: [BlobAddress: BlobRow] = [:]
    package var bans: [BlobAddress: Timestamp] = [:]
    /// By numbers that grow, so that the order of the numbers is that of age.
    package var leases: [Int: StoredLease] = [:]
    /// The number of the lease that each alias leads to.
    package var aliases: [AliasName: Int] = [:]
    package var usages: [String: Usage] = [:]
    package var days: [String: LeaseDay] = [:]
    package var uploads: [UploadID: ResumableUpload] = [:]
    package var sightings: [BlobAddress: OrphanSighting] = [:]
    package var scrubs: [ScrubRow.Place: ScrubRow] = [:]
    package var sums = StoreSums()
    package var store = StoreChange()
    package var commits: Int64 = 0
    /// Whether it counts what the open uploads of subjects come to.
    package var countsKeptUploads = false
    fileprivate var nextLease = 1

    package init() {}

    /// Makes changes in one batch; `load` and `write` see nothing of another one.
    @discardableResult
    package mutating func commit<Value>(
        at now: Timestamp, _ body: (inout CatalogPage, MemoryTransaction) throws -> Value
    ) rethrows -> Value {
        let transaction = MemoryTransaction(self)
        var page = CatalogPage(now: now)
        let value = try body(&page, transaction)
        transaction.write(page)
        self = transaction.catalog
        commits += 1
        return value
    }

    /// Makes one change by itself.
    package mutating func make<Change: CatalogChange>(
        _ change: Change, at now: Timestamp
    ) -> Result<Change.Outcome, StoreError> {
        commit(at: now) { page, transaction in
            change.request(on: &page)
            transaction.load(&page)
            return transaction.apply(change, to: &page)
        }
    }

    /// What a change would come to.
    package func judge<Change: CatalogChange>(
        _ change: Change, at now: Timestamp
    ) -> Result<Change.Outcome, StoreError> {
        MemoryTransaction(self).judge(change, at: now)
    }

    /// What the sums should be.
    package var recount: StoreSums {
        var sums = StoreSums()
        for blob in blobs.values { sums.count(blob) }
        for lease in leases.values { sums.count(lease.row) }
        return sums
    }

    fileprivate func kept(by subject: String) -> KeptShare {
        uploads.values.reduce(into: KeptShare()) { share, upload in
            guard case .open = upload.state, upload.announcement.terms.subject == subject else { return }
            share.uploads += 1
            share.bytes += upload.keptBytes
        }
    }

    /// What subjects should hold.
    package var owed: [String: Usage] {
        leases.values.reduce(into: [:]) { usages, lease in
            guard let subject = lease.row.subject, let blob = blobs[lease.row.address] else { return }
            usages[subject, default: Usage()] =
                (usages[subject] ?? Usage()) + Usage(leases: 1, bytes: Usage.bytes(for: blob.size))
        }
    }
}

/// One transaction on a catalog in memory.
package final class MemoryTransaction: CatalogTransaction {
    package private(set) var catalog: MemoryCatalog
    /// The numbers of the leases on the page, by their places, and the other way round.
    private var numbers: [Int: Int] = [:]
    private var places: [Int: Int] = [:]

    init(_ catalog: MemoryCatalog) {
        self.catalog = catalog
    }

    // MARK: Loading

    package func load(_ page: inout CatalogPage) {
        for place in page.finds.takeRequests() { page.fill(findAt: place, find(page.finds.key(at: place), &page)) }
        for place in page.blobs.takeRequests() { page.blobs.fill(place, catalog.blobs[page.blobs.key(at: place)]) }
        for place in page.bans.takeRequests() { page.bans.fill(place, catalog.bans[page.bans.key(at: place)]) }
        for place in page.leases.takeRequests() { load(leaseAt: place, &page) }
        for place in page.receiptHashes.takeRequests() {
            let key = page.receiptHashes.key(at: place)
            page.receiptHashes.fill(place, admitting(key.address, key.hash).flatMap { self.place(of: $0, &page) })
        }
        for place in page.aliases.takeRequests() {
            page.aliases.fill(place, catalog.aliases[page.aliases.key(at: place)].flatMap { self.place(of: $0, &page) })
        }
        for place in page.deliveries.takeRequests() {
            page.deliveries.fill(place, delivery(page.deliveries.key(at: place), &page))
        }
        for place in page.usages.takeRequests() {
            let subject = page.usages.key(at: place)
            page.usages.fill(place, catalog.usages[subject])
            if let day = catalog.days[subject] { _ = page.days.load(subject, day) }
            if catalog.countsKeptUploads { page.load(catalog.kept(by: subject), keptBy: subject) }
        }
        for place in page.uploads.takeRequests() {
            page.uploads.fill(place, catalog.uploads[page.uploads.key(at: place)])
        }
        for place in page.sightings.takeRequests() {
            page.sightings.fill(place, catalog.sightings[page.sightings.key(at: place)])
        }
        for place in page.scrubs.takeRequests() {
            page.scrubs.fill(place, catalog.scrubs[page.scrubs.key(at: place)])
        }
        for place in page.shares.takeRequests() {
            let key = page.shares.key(at: place)
            let open = catalog.leases.values.filter {
                $0.row.address == key.address && $0.row.subject == key.subject && $0.row.via == nil
            }
            page.shares.fill(place, LeaseShare(leases: open.count, nextEnd: open.map(\.row.expires).min()))
        }
        for place in page.nextEnds.takeRequests() {
            page.nextEnds.fill(place, nextEnd(page.nextEnds.key(at: place)))
        }
    }

    private func load(leaseAt place: Int, _ page: inout CatalogPage) {
        let key = page.leases.key(at: place)
        // Without an owner only one that has not ended has this name.
        guard let (number, lease) = catalog.leases.first(where: { $0.value.row.key == key }) else { return }
        page.leases.fill(place, lease.row)
        note(number, at: place)
    }

    private func place(of number: Int, _ page: inout CatalogPage) -> Int? {
        if let place = places[number] { return place }
        guard let row = catalog.leases[number]?.row else { return nil }
        let nameless = LeaseKey(address: row.address, holder: .subject(""))
        let place = row.key.map { page.leases.load($0, row) } ?? page.leases.load(nameless: nameless, row)
        note(number, at: place)
        return place
    }

    private func note(_ number: Int, at place: Int) {
        numbers[place] = number
        places[number] = place
    }

    private func find(_ query: PageQuery, _ page: inout CatalogPage) -> [Int] {
        switch query {
        case .leases(let address, let which):
            let now = page.now
            let open = leases(&page) {
                if which == .remembered { return $0.address == address }
                return $0.address == address && $0.ended == nil && (which != .due || $0.expires <= now)
            }
            guard case .last(let limit) = which else { return open }
            // Those first that are over last.
            let rows = open.compactMap { place in page.leases.entries[place].stored.map { (place, $0) } }
                .filter { $0.1.via == nil }
            return rows.sorted { $1.1.isOver(before: $0.1) }.prefix(limit).map(\.0)
        case .dueLeases(let limit):
            let now = page.now
            let due = catalog.leases.filter { $0.value.row.ended == nil && $0.value.row.expires <= now }
                .sorted { ($0.value.row.expires, $0.key) < ($1.value.row.expires, $1.key) }.prefix(limit)
            for (_, lease) in due { page.blobs.request(lease.row.address) }
            return due.compactMap { place(of: $0.key, &page) }
        case .leasesOfSubject(let subject, let limit):
            let held = catalog.leases.filter { $0.value.row.subject == subject }
                .sorted { ($0.value.row.expires, $0.key) < ($1.value.row.expires, $1.key) }.prefix(limit)
            for (_, lease) in held { page.blobs.request(lease.row.address) }
            return held.compactMap { place(of: $0.key, &page) }
        case .endedLeases(let end, let limit, var receipts):
            let ended = catalog.leases.filter { $0.value.row.ended.map { $0 < end } ?? false }
                .sorted { ($0.value.row.ended ?? end, $0.key) < ($1.value.row.ended ?? end, $1.key) }.prefix(limit)
            return ended.compactMap { number, lease in
                guard receipts > 0 else { return nil }
                receipts -= lease.hashes.count + lease.receipts.count
                return place(of: number, &page)
            }
        case .formerlyShown(let end, let limit):
            let aliased = Set(catalog.leases.values.map(\.row).filter { $0.via != nil }.map(\.address))
            return catalog.blobs.values
                .filter {
                    $0.reason != nil && ($0.ended.map { $0 < end } ?? false)
                        && ($0.state != .gone || aliased.contains($0.address))
                }
                .prefix(limit).map { page.blobs.load($0.address, $0) }
        case .tombstones(let end, let limit):
            let remembered = Set(catalog.leases.values.map(\.row.address))
            return catalog.blobs.values
                .filter {
                    $0.state == .gone && ($0.ended.map { $0 < end } ?? false) && !remembered.contains($0.address)
                }
                .prefix(limit).map { page.blobs.load($0.address, $0) }
        case .idleSubjects(let begin, let limit):
            return catalog.days.filter { $0.value.began < begin && catalog.usages[$0.key] == nil }
                .sorted { $0.value.began < $1.value.began }.prefix(limit).map { page.days.load($0.key, $0.value) }
        case .sightings(let pass, let limit):
            return catalog.sightings.filter { $0.value.lastPass != pass }.prefix(limit)
                .map { page.sightings.load($0.key, $0.value) }
        }
    }

    /// The places of the leases that fit, oldest first.
    private func leases(_ page: inout CatalogPage, where fits: (LeaseRow) -> Bool) -> [Int] {
        catalog.leases.filter { fits($0.value.row) }.keys.sorted().compactMap { place(of: $0, &page) }
    }

    /// The number of the lease that a receipt hash names.
    private func admitting(_ address: BlobAddress, _ hash: SecretHash) -> Int? {
        catalog.leases.first { $0.value.row.address == address && $0.value.hashes.contains(hash) }?.key
    }

    private func delivery(_ key: DeliveryKey, _ page: inout CatalogPage) -> StoredDelivery? {
        guard let number = admitting(key.address, key.hash), let place = place(of: number, &page),
            let lease = catalog.leases[number]
        else { return nil }
        let said = lease.receipts.filter { $0.hash == key.hash }
        return StoredDelivery(
            lease: place, received: lease.receipts.count, isKnownSecret: !said.isEmpty,
            isKnownRecipient: said.contains { $0.recipient == key.recipient })
    }

    private func nextEnd(_ key: NextEndKey) -> Timestamp? {
        catalog.leases.values.map(\.row).filter { lease in
            switch key {
            case .subject(let subject): lease.subject == subject && lease.ended == nil
            case .address(let address): lease.address == address && lease.ended == nil && lease.via == nil
            }
        }.map(\.expires).min()
    }

    // MARK: Writing

    package func write(_ page: CatalogPage) {
        for entry in page.blobs.changed { catalog.blobs[entry.key] = entry.current }
        for entry in page.bans.changed { catalog.bans[entry.key] = entry.current }
        for place in page.leases.changedPlaces { write(leaseAt: place, page) }
        for entry in page.aliases.changed {
            if let number = entry.current.flatMap({ numbers[$0] }) { catalog.aliases[entry.key] = number }
        }
        for entry in page.receipts.changed {
            guard let at = entry.current, let number = numbers[entry.key.lease] else { continue }
            catalog.leases[number]?.receipts.append((entry.key.hash, entry.key.recipient, at))
        }
        for entry in page.charges.changed {
            let usage = (catalog.usages[entry.key] ?? Usage()) + (entry.current ?? Usage())
            catalog.usages[entry.key] = usage.leases > 0 ? usage : nil
        }
        for entry in page.days.changed { catalog.days[entry.key] = entry.current }
        for entry in page.uploads.changed { catalog.uploads[entry.key] = entry.current }
        for entry in page.sightings.changed { catalog.sightings[entry.key] = entry.current }
        for entry in page.scrubs.changed { catalog.scrubs[entry.key] = entry.current }
        for state in [BlobState.held, .removing, .damaged, .gone] {
            catalog.sums[state].count += page.sums[state].count
            catalog.sums[state].bytes += page.sums[state].bytes
        }
        catalog.sums.leases += page.sums.leases
        catalog.sums.endedLeases += page.sums.endedLeases
        catalog.store.lastPass = page.store.lastPass ?? catalog.store.lastPass
        catalog.store.latest = page.store.latest ?? max(catalog.store.latest ?? page.now, page.now)
        catalog.store.isRestored = page.store.isRestored ?? catalog.store.isRestored
    }

    private func write(leaseAt place: Int, _ page: CatalogPage) {
        guard let row = page.leases[place] else {
            if let number = numbers[place] {
                catalog.leases[number] = nil
                catalog.aliases = catalog.aliases.filter { $0.value != number }
            }
            return
        }
        if let number = numbers[place] {
            catalog.leases[number]?.row = row
            return
        }
        note(catalog.nextLease, at: place)
        catalog.leases[catalog.nextLease] = MemoryCatalog.StoredLease(
            row: row, hashes: page.receiptHashes.changed.filter { $0.current == place }.map(\.key.hash))
        catalog.nextLease += 1
    }
}

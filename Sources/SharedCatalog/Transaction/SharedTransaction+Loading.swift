import Blobs
import Store
import StoreRules

/// Rows onto the page. What whole tables are asked for comes first, by itself, since it says which blobs to lock; all else
/// is one round trip.
extension SharedTransaction {
    func loadAll(_ page: inout CatalogPage) throws(SharedCatalogError) {
        let finds = page.finds.takeRequests()
        (candidates, answers) = (Candidates(), [:])
        let first = candidateQuestions(finds, page)
        if !first.isEmpty { try ask(first, &page) }
        var questions = try blobQuestions(&page)
        questions += foundLeaseQuestions(page)
        questions += openLeaseQuestions(finds, page)
        questions += keyQuestions(&page)
        questions += subjectQuestions(&page)
        questions += uploadQuestions(&page)
        questions += figureQuestions(&page)
        hasLocks = hasLocks || lane != nil && !questions.isEmpty
        try ask(questions, &page)
        try answerIdleSubjects(&page)
        // Nothing is kept here of files without a row.
        for place in finds { page.fill(findAt: place, answers[place] ?? []) }
    }

    // MARK: Blobs

    /// Those that were asked for are waited for, all in one order. Those that only a question to a whole table found are
    /// left out where somebody else has them.
    private func blobQuestions(_ page: inout CatalogPage) throws(SharedCatalogError) -> [RowQuestion] {
        let asked = page.blobs.takeRequests().map { page.blobs.key(at: $0) }
        guard lane != nil else {
            let all = Set(asked).union(candidates.addresses)
            return all.isEmpty ? [] : [blobQuestion(.lookAtBlobs, all)]
        }
        let new = Set(asked).subtracting(addresses)
        var questions: [RowQuestion] = []
        if hasLocks {
            late.addresses.formUnion(new)
            // Rows of them may be here that were read before they were locked.
            if page.leases.entries.contains(where: { new.contains($0.key.address) }) {
                throw .conflict("the database: rows were needed late")
            }
        }
        if !new.isEmpty {
            questions.append(blobQuestion(hasLocks ? .lockBlobsAtOnce : .lockBlobs, new))
            addresses.formUnion(new)
        }
        let free = candidates.addresses.subtracting(addresses)
        if !free.isEmpty { questions.append(blobQuestion(.lockFreeBlobs, free, isFound: true)) }
        return questions
    }

    private func blobQuestion(
        _ statement: PostgresStatement, _ addresses: Set<BlobAddress>, isFound: Bool = false
    ) -> RowQuestion {
        let sorted = addresses.sorted()
        return RowQuestion(statement: statement, parameters: [.addresses(sorted)]) {
            rows, page throws(SharedCatalogError) in
            for row in rows.all {
                let blob = try BlobRow(row)
                if let object = try BlobObject(row, from: 9) { self.objects.load(object, of: blob.address) }
                if isFound { self.addresses.insert(blob.address) }
                let place = page.blobs.load(blob.address, blob)
                if self.isBlank(place, page) { page.blobs.fill(place, blob) }
                // One that has changed since it was found may have come alive.
                for find in self.candidates.blobs[blob.address] ?? [] where find.row == blob {
                    self.answers[find.place, default: []].append(place)
                }
            }
        }
    }

    private func isBlank(_ place: Int, _ page: CatalogPage) -> Bool {
        let entry = page.blobs.entries[place]
        return entry.stored == nil && !entry.isChanged
    }

    // MARK: Leases

    /// The place of the lease in `row`, behind the place that it is for; it comes onto the page unless it is there.
    func place(of row: ResultRow, _ page: inout CatalogPage) throws(SharedCatalogError) -> Int {
        let number = try row.number(1)
        if let place = leases.place(of: number) { return place }
        let lease = try LeaseRow(row, from: 1)
        let nameless = LeaseKey(address: lease.address, holder: .subject(""))
        let place = lease.key.map { page.leases.load($0, lease) } ?? page.leases.load(nameless: nameless, lease)
        leases.note(number, at: place)
        return place
    }

    /// The leases that questions to whole tables found, as they are now that their blobs are locked.
    private func foundLeaseQuestions(_ page: CatalogPage) -> [RowQuestion] {
        candidates.leases.sorted { $0.key < $1.key }.map { find, found in
            let query = page.finds.key(at: find)
            return RowQuestion(statement: .findLeases, parameters: [.numbers(found)]) {
                rows, page throws(SharedCatalogError) in
                var places: [Int64: Int] = [:]
                for row in rows.all {
                    let lease = try LeaseRow(row, from: 1)
                    guard self.lane == nil || self.addresses.contains(lease.address) else { continue }
                    guard query.stillFinds(lease, at: page.now) else { continue }
                    places[try row.number(1)] = try self.place(of: row, &page)
                }
                self.answers[find] = found.compactMap { places[$0] }
            }
        }
    }

    private func openLeaseQuestions(_ finds: [Int], _ page: CatalogPage) -> [RowQuestion] {
        var open = ColumnTable(.number, .bytes, .number)
        var last = ColumnTable(.number, .bytes, .number)
        var remembered = ColumnTable(.number, .bytes)
        for place in finds {
            guard case .leases(let address, let which) = page.finds.key(at: place) else { continue }
            answers[place] = []
            switch which {
            case .all: open.append(.of(place), .of(address), .number(.max))
            case .due: open.append(.of(place), .of(address), .of(page.now))
            case .last(let limit): last.append(.of(place), .of(address), .of(limit))
            case .remembered: remembered.append(.of(place), .of(address))
            }
        }
        let questions: [(PostgresStatement, ColumnTable)] = [
            (.findOpenLeases, open), (.findLastLeases, last), (.findRememberedLeases, remembered),
        ]
        return questions.compactMap { statement, table in
            if table.isEmpty { return nil }
            return RowQuestion(statement: statement, parameters: table.parameters) {
                rows, page throws(SharedCatalogError) in
                for row in rows.all { self.answers[try row.int(0)]?.append(try self.place(of: row, &page)) }
            }
        }
    }
}

extension PageQuery {
    /// Whether a lease that was found is still one that is looked for.
    fileprivate func stillFinds(_ lease: LeaseRow, at now: Timestamp) -> Bool {
        switch self {
        case .dueLeases: lease.ended == nil && lease.expires <= now
        case .leasesOfSubject(let subject, _): lease.ended == nil && lease.subject == subject
        case .endedLeases(let end, _, _): lease.ended.map { $0 < end } ?? false
        case .leases, .formerlyShown, .tombstones, .idleSubjects, .sightings: false
        }
    }
}

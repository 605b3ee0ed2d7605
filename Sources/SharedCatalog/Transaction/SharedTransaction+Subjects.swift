import Blobs
import Store
import StoreRules

/// Subjects and uploads, whose rows are locked behind those of blobs.
extension SharedTransaction {
    /// A subject's row is locked for as long as its quota is judged: it is made where there is none.
    func subjectQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        let asked = Set(page.usages.takeRequests().map { page.usages.key(at: $0) })
        var questions: [RowQuestion] = []
        if !asked.isEmpty {
            let parameter = PostgresParameter.texts(asked.sorted())
            if lane == nil {
                questions.append(chargeQuestion(.lookAtCharges, parameter))
            } else {
                if hasLocks { late.subjects.formUnion(asked) }
                questions.append(
                    RowQuestion(statement: .makeCharges, parameters: [parameter]) {
                        rows, _ throws(SharedCatalogError) in
                        for row in rows.all { self.newSubjects.insert(try row.text(0)) }
                    })
                questions.append(
                    chargeQuestion(hasLocks ? .lockChargesAtOnce : .lockCharges, parameter, awaiting: asked))
            }
            questions.append(keptQuestion(asked, parameter))
        }
        let idle = Set(candidates.subjects.flatMap(\.value)).subtracting(asked)
        if !idle.isEmpty {
            let statement: PostgresStatement = lane == nil ? .lookAtCharges : .lockFreeCharges
            questions.append(chargeQuestion(statement, .texts(idle.sorted())))
        }
        return questions
    }

    private func chargeQuestion(
        _ statement: PostgresStatement, _ parameter: PostgresParameter, awaiting: Set<String> = []
    ) -> RowQuestion {
        RowQuestion(statement: statement, parameters: [parameter]) { rows, page throws(SharedCatalogError) in
            for row in rows.all {
                let subject = try row.text(0)
                self.subjects.insert(subject)
                let usage = Usage(leases: try row.int(1), bytes: try row.number(2))
                let day = LeaseDay(began: try row.time(3), made: try row.int(4))
                if usage.leases == 0 { self.idle[subject] = day }
                if let place = page.usages.place(peeking: subject) { page.usages.fill(place, usage) }
                if day.made > 0 { _ = page.days.load(subject, day) }
            }
            // A row that was there when others were made, and was gone when it was to be locked.
            guard awaiting.isSubset(of: self.subjects) else {
                throw .conflict("the database: a subject was forgotten meanwhile")
            }
        }
    }

    private func keptQuestion(_ asked: Set<String>, _ parameter: PostgresParameter) -> RowQuestion {
        RowQuestion(statement: .findKept, parameters: [parameter]) { rows, page throws(SharedCatalogError) in
            var shares: [String: KeptShare] = [:]
            for row in rows.all {
                shares[try row.text(0)] = KeptShare(uploads: try row.int(1), bytes: try row.number(2))
            }
            for subject in asked { page.load(shares[subject] ?? KeptShare(), keptBy: subject) }
        }
    }

    /// Those of the subjects that were found that still hold nothing.
    func answerIdleSubjects(_ page: inout CatalogPage) throws(SharedCatalogError) {
        for (find, found) in candidates.subjects {
            guard case .idleSubjects(let begin, _) = page.finds.key(at: find) else { continue }
            answers[find] = found.compactMap { subject in
                guard let day = idle[subject], day.began < begin else { return nil }
                return page.days.load(subject, day)
            }
        }
    }

    // MARK: Uploads

    func uploadQuestions(_ page: inout CatalogPage) -> [RowQuestion] {
        let asked = page.uploads.takeRequests().map { page.uploads.key(at: $0) }
        if asked.isEmpty { return [] }
        let statement: PostgresStatement =
            if lane == nil { .lookAtUploads } else { hasLocks ? .lockUploadsAtOnce : .lockUploads }
        hasUploads = true
        return [
            RowQuestion(statement: statement, parameters: [PostgresParameter(.bytes, asked.map { .bytes($0.bytes) })]) {
                rows, page throws(SharedCatalogError) in
                for row in rows.all {
                    let found = try UploadRow(row)
                    guard let place = page.uploads.place(peeking: found.upload.id) else { continue }
                    page.uploads.fill(place, found.upload)
                    if let objects = found.objects { self.objects.load(objects, of: found.upload.id) }
                }
            }
        ]
    }
}

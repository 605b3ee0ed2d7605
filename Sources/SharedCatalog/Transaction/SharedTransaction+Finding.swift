import Blobs
import Store
import StoreRules

/// What questions to whole tables found, before it is locked and looked at again.
struct Candidates {
    /// Numbers of leases in their order, by the place of the question.
    var leases: [Int: [Int64]] = [:]
    /// Blobs that are to be locked if nobody else has them.
    var addresses: Set<BlobAddress> = []
    /// Blobs as they were found, and the places of the questions.
    var blobs: [BlobAddress: [(place: Int, row: BlobRow)]] = [:]
    /// Subjects in their order, by the place of the question.
    var subjects: [Int: [String]] = [:]
}

extension SharedTransaction {
    func candidateQuestions(_ finds: [Int], _ page: CatalogPage) -> [RowQuestion] {
        finds.compactMap { place in
            switch page.finds.key(at: place) {
            case .leases, .sightings: return nil
            case .dueLeases(let limit):
                return leaseQuestion(.findDueLeases, place, [.of(page.now)], limit: limit)
            case .leasesOfSubject(let subject, let limit):
                return leaseQuestion(.findLeasesOfSubject, place, [.text(subject)], limit: limit, areAwaited: true)
            case .endedLeases(let end, let limit, let receipts):
                return leaseQuestion(.findEndedLeases, place, [.of(end)], limit: limit, receipts: receipts)
            case .formerlyShown(let end, let limit):
                return blobQuestion(.findFormerlyShown, place, end, limit: limit)
            case .tombstones(let end, let limit): return blobQuestion(.findTombstones, place, end, limit: limit)
            case .idleSubjects(let begin, let limit): return subjectQuestion(place, since: begin, limit: limit)
            }
        }
    }

    /// - Parameters:
    ///   - receipts: How many of them may go with the leases, as far as that is known before the last one.
    ///   - areAwaited: Whether their blobs are waited for where somebody else has them.
    private func leaseQuestion(
        _ statement: PostgresStatement, _ place: Int, _ values: [PostgresValue], limit: Int, receipts: Int = .max,
        areAwaited: Bool = false
    ) -> RowQuestion {
        let parameters = (values + [.of(limit)]).map { PostgresParameter($0) }
        return RowQuestion(statement: statement, parameters: parameters) { rows, page throws(SharedCatalogError) in
            var left = Int64(receipts)
            self.candidates.leases[place] = []
            for row in rows.all where left > 0 {
                left -= try row.number(2)
                self.candidates.leases[place]?.append(try row.number(0))
                let address = try row.address(1)
                if areAwaited { page.blobs.request(address) }
                self.candidates.addresses.insert(address)
            }
        }
    }

    private func blobQuestion(
        _ statement: PostgresStatement, _ place: Int, _ end: Timestamp, limit: Int
    ) -> RowQuestion {
        let parameters = [PostgresParameter(.of(end)), PostgresParameter(.of(limit))]
        return RowQuestion(statement: statement, parameters: parameters) { rows, _ throws(SharedCatalogError) in
            for row in rows.all {
                let blob = try BlobRow(row)
                self.candidates.addresses.insert(blob.address)
                self.candidates.blobs[blob.address, default: []].append((place, blob))
            }
        }
    }

    private func subjectQuestion(_ place: Int, since begin: Timestamp, limit: Int) -> RowQuestion {
        let parameters = [PostgresParameter(.of(begin)), PostgresParameter(.of(limit))]
        return RowQuestion(statement: .findIdleSubjects, parameters: parameters) { rows, _ throws(SharedCatalogError) in
            self.candidates.subjects[place] = []
            for row in rows.all { self.candidates.subjects[place]?.append(try row.text(0)) }
        }
    }
}

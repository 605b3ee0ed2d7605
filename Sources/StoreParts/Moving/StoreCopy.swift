package import Blobs
package import Store
import StoreRules

/// Moves one store into another: all of it, then again what has changed meanwhile, while the source is served, then once
/// more when it is not. A round that is cut short is begun anew; it finds done what was done.
///
/// An upload that is not finished stays behind: its client begins anew.
package struct StoreCopy<Source: RecordSource, Sink: RecordSink>: Sendable {
    /// Blobs whose bytes are fetched at once.
    private static var width: Int { 8 }
    /// How far the clock of the sink may be behind what the source has relied on: what has ended must not come to life.
    private static var toleranceSeconds: Int64 { 600 }

    private let source: Source
    private let sink: Sink
    private let now: @Sendable () -> Timestamp

    /// - Parameter now: the present moment by the clock of the sink.
    package init(from source: Source, to sink: Sink, now: @escaping @Sendable () -> Timestamp) {
        self.source = source
        self.sink = sink
        self.now = now
    }

    /// Makes the sink what the source is, page by page.
    ///
    /// - Parameters:
    ///   - isLast: whether nobody may serve the source any more; then the sink is the same when this returns.
    ///   - progress: called after each page.
    package func round(
        isLast: Bool = false, progress: @Sendable (CopyReport) -> Void = { _ in }
    ) async throws(StoreError) -> CopyReport {
        if isLast { try await source.claim() }
        try await sink.claim()
        try await compareContents()
        let ahead = try await source.latest().secondsSince(now())
        guard ahead <= Self.toleranceSeconds else {
            throw .unavailable(
                "the store that is copied is \(ahead) s ahead of the clock; compare that with another one")
        }
        var report = CopyReport()
        try await copyRecords(&report, progress)
        try await copyUploads(&report)
        try await copyBans(&report)
        try await copySubjects(&report)
        // Whoever began to serve it meanwhile may have changed it behind what was looked at.
        if isLast { try await source.claim() }
        progress(report)
        return report
    }

    /// Throws where nothing would be copied over something: who does that has mixed the two up.
    private func compareContents() async throws(StoreError) {
        guard try await source.records(after: nil).isEmpty, try await !sink.records(after: nil).isEmpty else { return }
        throw .unavailable("the store to copy from is empty, and the one to copy to is not: are they mixed up?")
    }

    // MARK: Blobs and leases

    private func copyRecords(
        _ report: inout CopyReport, _ progress: @Sendable (CopyReport) -> Void
    ) async throws(StoreError) {
        var last: BlobAddress?
        while true {
            if Task.isCancelled { throw .unavailable("the copy was cancelled") }
            let (here, there) = (try await source.records(after: last), try await sink.records(after: last))
            // Up to where both are known; what is behind that is looked at again.
            guard let end = [here.last, there.last].compactMap({ $0?.row.address }).min() else { return }
            let records = here.prefix { $0.row.address <= end }
            let former = there.prefix { $0.row.address <= end }
            try await copy(CopyDifference(source: Array(records), sink: Array(former)), &report)
            report.blobs += records.count
            progress(report)
            last = end
        }
    }

    private func copy(_ difference: CopyDifference, _ report: inout CopyReport) async throws(StoreError) {
        if difference.isEmpty { return }
        let taken = try await take(difference.missing)
        let damaged = Set(difference.missing.map(\.address)).subtracting(taken.keys)
        let records = difference.changed.map { record in
            damaged.contains(record.row.address) ? record.damaged : record
        }
        try await sink.replace(records, bytes: taken, dropping: difference.dropped)
        report.blobsChanged += difference.changed.count
        report.blobsDropped += difference.dropped.count
        report.damaged += damaged.count
        report.bytesCopied += difference.missing.reduce(0) { $0 + (damaged.contains($1.address) ? 0 : $1.size) }
    }

    /// Fetches bytes, of several blobs at once; those are left out whose bytes are wrong.
    private func take(_ blobs: [BlobRow]) async throws(StoreError) -> [BlobAddress: Sink.Bytes] {
        let (source, sink) = (source, sink)
        typealias Outcome = Result<(BlobAddress, Sink.Bytes?), StoreError>
        return try await withTaskGroup(of: Outcome.self) { group in
            var rest = blobs[...]
            func begin() {
                guard let blob = rest.popFirst() else { return }
                group.addTask {
                    do throws(StoreError) {
                        // What is wrong is looked at twice: another object may have taken its place meanwhile.
                        var bytes = try await sink.take(blob, from: source)
                        if bytes == nil { bytes = try await sink.take(blob, from: source) }
                        return .success((blob.address, bytes))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            for _ in 0..<Self.width { begin() }
            var taken: [BlobAddress: Sink.Bytes] = [:]
            while let outcome = await group.next() {
                switch outcome {
                case .success(let (address, bytes)): taken[address] = bytes
                case .failure(let error):
                    group.cancelAll()
                    return Result<[BlobAddress: Sink.Bytes], StoreError>.failure(error)
                }
                begin()
            }
            return .success(taken)
        }.get()
    }

    // MARK: The rest

    private func copyUploads(_ report: inout CopyReport) async throws(StoreError) {
        let (source, sink) = (source, sink)
        var here = SortedRows { (last: ResumableUpload?) async throws(StoreError) in
            try await source.finishedUploads(after: last?.id)
        }
        var there = SortedRows { (last: ResumableUpload?) async throws(StoreError) in
            try await sink.finishedUploads(after: last?.id)
        }
        while let page = try await here.merge(with: &there, by: { $0.id.bytes.lexicographicallyPrecedes($1.id.bytes) })
        {
            // They do not change once they are finished, but for the time that they are forgotten at.
            let changed = page.filter { $0.sink?.expires != $0.source?.expires }
            if changed.isEmpty { continue }
            report.uploads += changed.count
            try await sink.replace(
                ReplaceUploads(
                    changed.compactMap(\.source), dropping: changed.filter { $0.source == nil }.compactMap(\.sink?.id)))
        }
    }

    private func copyBans(_ report: inout CopyReport) async throws(StoreError) {
        let (source, sink) = (source, sink)
        var here = SortedRows { (last: BanRecord?) async throws(StoreError) in
            try await source.bans(after: last?.address)
        }
        var there = SortedRows { (last: BanRecord?) async throws(StoreError) in
            try await sink.bans(after: last?.address)
        }
        while let page = try await here.merge(with: &there, by: { $0.address < $1.address }) {
            let changed = page.filter { $0.sink != $0.source }
            if changed.isEmpty { continue }
            report.bans += changed.count
            try await sink.replace(
                ReplaceBans(
                    changed.compactMap(\.source),
                    lifting: changed.filter { $0.source == nil }.compactMap(\.sink?.address)))
        }
    }

    private func copySubjects(_ report: inout CopyReport) async throws(StoreError) {
        let (source, sink) = (source, sink)
        var here = SortedRows { (last: SubjectRecord?) async throws(StoreError) in
            try await source.subjects(after: last?.subject)
        }
        var there = SortedRows { (last: SubjectRecord?) async throws(StoreError) in
            try await sink.subjects(after: last?.subject)
        }
        let isBefore = { (left: SubjectRecord, right: SubjectRecord) in
            left.subject.utf8.lexicographicallyPrecedes(right.subject.utf8)
        }
        while let page = try await here.merge(with: &there, by: isBefore) {
            // A day that is forgotten at the source is over.
            let changed = page.filter { $0.sink != $0.source }.compactMap(\.source)
            if changed.isEmpty { continue }
            report.subjects += changed.count
            try await sink.replace(ReplaceDays(changed))
        }
    }
}

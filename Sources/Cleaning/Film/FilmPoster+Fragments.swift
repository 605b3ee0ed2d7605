/// Sync samples at the start of fragments (ISO/IEC 14496-12, 8.8).
extension FilmPoster {
    /// The first samples of runs that are sync samples and begin before `time`, in the track's time scale from its first
    /// fragment on; the first among them, then those that are apart from each other.
    static func syncSamples(
        inFragmentsOf track: UInt32, until time: UInt64, limit: Int, _ reader: BoxReader
    ) throws(CleaningError) -> [Range<Int64>] {
        var unused: Set<RemovedMetadata> = []
        let layout = try FilmLayout(reader, removed: &unused)
        guard layout.hasFragments else { return [] }
        let movie = try Movie(layout.movie, reader, removed: &unused)
        let apart = time / UInt64(max(1, limit))
        var chosen: [(time: UInt64, sample: Range<Int64>)] = []
        var start: UInt64?
        var end: UInt64 = 0
        for case .fragment(let box) in layout.segments {
            let fragment = try Fragment(box, movie, reader, removed: &unused)
            for part in fragment.tracks where part.track == track {
                let begin = part.start ?? end
                let first = start ?? begin
                start = first
                guard begin >= first, begin - first <= time else { return chosen.map(\.sample) }
                end = begin.addingReportingOverflow(part.duration).partialValue
                if let last = chosen.last, begin < last.time.addingReportingOverflow(apart).partialValue { continue }
                if let sample = try firstSample(of: part, reader.source) { chosen.append((begin, sample)) }
                if chosen.count == limit { return chosen.map(\.sample) }
            }
        }
        return chosen.map(\.sample)
    }

    /// Where the first sample of a track's part lies, if it is a sync sample.
    private static func firstSample(
        of part: Fragment.TrackPart, _ source: SourceBytes
    ) throws(CleaningError) -> Range<Int64>? {
        for case .run(let run) in part.parts where run.sizes.count > 0 {
            guard run.firstFlags & 0x1_0000 == 0 else { return nil }
            var size = run.sizes.standard
            if let field = run.sizes.field {
                size = Int64(try source.bigEndian(4, at: run.entries.lowerBound + 4 * field.index))
            }
            let end = run.data.lowerBound.addingReportingOverflow(size)
            guard !end.overflow, end.partialValue <= source.count else { return nil }
            return run.data.lowerBound..<end.partialValue
        }
        return nil
    }
}

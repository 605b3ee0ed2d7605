/// A film in fragments (ISO/IEC 14496-12, 8.8): `moov` cleaned, then fragments and their data in the file's order. Data
/// keeps its length; what belongs to no kept sample becomes zeros.
struct FragmentedFilm {
    private enum FilmPiece {
        case fragment(Fragment)
        case data(Box)
    }

    private static let runLimit = 1 << 20
    /// Bytes of all descriptions of fragments but for the entries of runs.
    private static let descriptionLimitBytes = 64 << 20

    private let fileType: [UInt8]
    private let movie: Movie
    private let source: SourceBytes
    private var pieces: [FilmPiece] = []
    private let needed: [Range<Int64>]
    /// Seconds of the longest track; nil where fragments do not say.
    private(set) var seconds: Double?

    init(
        _ layout: FilmLayout, _ movie: Movie, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        self.movie = movie
        source = reader.source
        fileType = Self.withFragmentBrand(layout.fileType)
        var needed = ByteRanges()
        try movie.insertSamples(into: &needed, data: layout.data, source)
        var samples = movie.tracks.reduce(0) { $0 + $1.table.sampleCount }
        var runs = 0
        var descriptionBytes = 0
        var text = TextTelemetry()
        var times: [UInt32: (first: UInt64, end: UInt64)] = [:]
        for segment in layout.segments {
            guard case .fragment(let box) = segment else {
                if case .data(let box) = segment { pieces.append(.data(box)) }
                continue
            }
            let fragment = try Fragment(box, movie, reader, text: &text, removed: &removed)
            if fragment.tracks.isEmpty { continue }
            for track in fragment.tracks {
                samples += track.samples
                runs += track.parts.count
                for case .bytes(let bytes) in track.parts { descriptionBytes += bytes.count }
                guard descriptionBytes <= Self.descriptionLimitBytes else {
                    throw .excessive("descriptions of more than 64 MiB")
                }
                guard samples <= SampleTable.sampleLimit else { throw .excessive("more than 20 million samples") }
                guard runs <= Self.runLimit else { throw .excessive("more than \(Self.runLimit) runs of samples") }
                for case .run(let run) in track.parts where !run.data.isEmpty {
                    guard layout.data.cover(run.data) else {
                        if run.data.upperBound > source.count { throw .truncated }
                        throw .corrupt("samples lie outside of its data")
                    }
                    try needed.insert(run.data)
                }
                let start = track.start ?? times[track.track]?.end ?? 0
                let end = start.addingReportingOverflow(track.duration)
                guard !end.overflow else { throw .corrupt("a fragment lasts too long") }
                times[track.track] = (min(times[track.track]?.first ?? start, start), end.partialValue)
            }
            pieces.append(.fragment(fragment))
        }
        self.needed = needed.sorted()
        seconds = movie.tracks.compactMap { track -> Double? in
            guard let time = times[track.header.id], time.end > time.first else { return nil }
            let before = track.table.sampleCount > 0 && track.media.hasDuration ? track.media.duration : 0
            // Where the film goes on from what `moov` has, the first fragment's time says so.
            let ticks = time.first == before ? Double(time.end) : Double(before) + Double(time.end - time.first)
            return ticks / Double(track.media.timescale)
        }.max()
        pieces = pieces.filter { piece in
            if case .data(let box) = piece { isNeeded(box) } else { true }
        }
        FilmGaps.note(layout.data, self.needed, hasDroppedTracks: movie.hasDroppedTracks, source, removed: &removed)
    }

    /// The copy; sizes do not depend on offsets but for their width.
    func copy() throws(CleaningError) -> CleanCopy {
        let rest = pieces.reduce(Int64(fileType.count)) { $0 + Self.bytes($1) }
        let narrow = rest + movie.node.size(offsetBytes: 4)
        let offsetBytes: Int64 = narrow > Int64(UInt32.max) ? 8 : 4
        let start = Int64(fileType.count) + movie.node.size(offsetBytes: offsetBytes)
        var relocation = Relocation()
        var position = start
        for piece in pieces {
            if case .data(let box) = piece {
                relocation.append(box.payload, at: position + box.payload.lowerBound - box.range.lowerBound)
            }
            position += Self.bytes(piece)
        }
        var copy = GatheredCopy()
        copy.append(fileType)
        let writer = MovieWriter(source: source, relocation: relocation, offsetBytes: offsetBytes)
        try writer.write(movie.node, to: &copy)
        for piece in pieces {
            switch piece {
            case .fragment(let fragment): try fragment.write(to: &copy, at: copy.size, relocation)
            case .data(let box):
                copy.append(original: box.range.lowerBound..<box.payload.lowerBound)
                copy.append(box.payload, keeping: needed)
            }
        }
        return copy.finished()
    }

    private func isNeeded(_ box: Box) -> Bool {
        guard !box.payload.isEmpty, let index = needed.indexOfRange(at: box.payload.upperBound - 1) else {
            return false
        }
        return needed[index].upperBound > box.payload.lowerBound
    }

    private static func bytes(_ piece: FilmPiece) -> Int64 {
        switch piece {
        case .fragment(let fragment): fragment.bytes
        case .data(let box): box.range.upperBound - box.range.lowerBound
        }
    }

    /// Offsets from the start of each fragment need the brand `iso5` or a later one (8.8.7).
    private static func withFragmentBrand(_ fileType: [UInt8]) -> [UInt8] {
        let later =
            ["iso5", "iso6", "iso7", "iso8", "iso9", "isoa", "isob", "isoc", "dash", "cmfc", "cmf2"] as [BoxType]
        guard fileType.count >= 16 else { return fileType }
        let brands = stride(from: 16, to: fileType.count, by: 4).map {
            BoxType(code: UInt32(BigEndian.number(fileType, at: $0, 4)))
        }
        if brands.contains(where: later.contains) { return fileType }
        return .box("ftyp", fileType[8...] + BoxType("iso5").bytes)
    }
}

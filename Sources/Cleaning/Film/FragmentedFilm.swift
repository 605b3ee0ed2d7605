/// A film in fragments (ISO/IEC 14496-12, 8.8): `moov` cleaned, then fragments and their data in the file's order. Data
/// keeps its length; what belongs to no kept sample becomes zeros.
struct FragmentedFilm {
    /// Fragments are read twice, and not held: a film has thousands.
    private enum FilmPiece {
        case fragment(Box, bytes: Int64)
        case data(Box)

        var bytes: Int64 {
            switch self {
            case .fragment(_, let bytes): bytes
            case .data(let box): box.range.upperBound - box.range.lowerBound
            }
        }
    }

    /// Bytes of all descriptions of fragments but for the entries of runs.
    private static let descriptionLimitBytes = 64 << 20

    private let fileType: [UInt8]
    private let movie: Movie
    private let reader: BoxReader
    private var pieces: [FilmPiece] = []
    private let needed: SortedRanges
    private var messages: UnitMessages
    /// Seconds of the longest track; nil where fragments do not say.
    private(set) var seconds: Double?

    init(
        _ layout: FilmLayout, _ movie: Movie, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        self.movie = movie
        self.reader = reader
        fileType = Self.withFragmentBrand(layout.fileType)
        var needed = ByteRanges()
        messages = UnitMessages(reader.source)
        try movie.insertSamples(into: &needed, data: layout.data, reader.source)
        try movie.look(for: &messages, reader.source)
        var samples = movie.sampleCount
        var descriptionBytes = 0
        var text = TextTelemetry()
        var times: [UInt32: (first: UInt64, end: UInt64)] = [:]
        for segment in layout.segments {
            guard case .fragment(let box) = segment else {
                if case .data(let box) = segment { pieces.append(.data(box)) }
                continue
            }
            let fragment = try Fragment(box, movie, reader, removed: &removed)
            if fragment.tracks.isEmpty { continue }
            for track in fragment.tracks {
                samples += track.samples
                guard samples <= SampleTable.sampleLimit else { throw .excessive("more than 20 million samples") }
                descriptionBytes += track.descriptionBytes
                guard descriptionBytes <= Self.descriptionLimitBytes else {
                    throw .excessive("descriptions of more than 64 MiB")
                }
                for case .run(let run) in track.parts where !run.data.isEmpty {
                    guard layout.data.cover(run.data) else {
                        if run.data.upperBound > reader.source.count { throw .truncated }
                        throw .corrupt("samples lie outside of its data")
                    }
                    try needed.insert(run.data)
                    if let form = track.unitForm { try run.look(for: &messages, form, reader.source) }
                    if track.isText, try text.isIn(run.data, reader.source) {
                        throw .unsupported("a track of text that tells positions, in fragments")
                    }
                }
                let start = track.start ?? times[track.track]?.end ?? 0
                let end = start.addingReportingOverflow(track.duration)
                guard !end.overflow else { throw .corrupt("a fragment lasts too long") }
                times[track.track] = (min(times[track.track]?.first ?? start, start), end.partialValue)
            }
            pieces.append(.fragment(box, bytes: fragment.bytes))
        }
        let sorted = try needed.sorted()
        self.needed = sorted
        pieces = pieces.filter { piece in
            if case .data(let box) = piece { sorted.overlap(box.payload) } else { true }
        }
        removed.formUnion(messages.removed)
        seconds = Self.seconds(movie, times)
        FilmGaps.note(layout.data, sorted, hasDroppedTracks: movie.hasDroppedTracks, reader.source, removed: &removed)
    }

    private static func seconds(_ movie: Movie, _ times: [UInt32: (first: UInt64, end: UInt64)]) -> Double? {
        movie.tracks.compactMap { track -> Double? in
            guard let time = times[track.header.id], time.end > time.first else { return nil }
            let before = track.table.sampleCount > 0 && track.media.hasDuration ? track.media.duration : 0
            // Where the film goes on from what `moov` has, the first fragment's time says so.
            let ticks = time.first == before ? Double(time.end) : Double(before) + Double(time.end - time.first)
            return ticks / Double(track.media.timescale)
        }.max()
    }

    /// The copy; sizes do not depend on offsets but for their width.
    func copy() throws(CleaningError) -> CleanCopy {
        let rest = pieces.reduce(Int64(fileType.count)) { $0 + $1.bytes }
        let narrow = rest + movie.node.size(offsetBytes: 4)
        let offsetBytes: Int64 = narrow > Int64(UInt32.max) ? 8 : 4
        var boxes: [(payload: Range<Int64>, start: Int64)] = []
        var position = Int64(fileType.count) + movie.node.size(offsetBytes: offsetBytes)
        for piece in pieces {
            if case .data(let box) = piece {
                boxes.append((box.payload, position + box.payload.lowerBound - box.range.lowerBound))
            }
            position += piece.bytes
        }
        let relocation = Relocation(boxes: boxes)
        var copy = CleanCopy()
        copy.append(fileType)
        let writer = MovieWriter(source: reader.source, relocation: relocation, offsetBytes: offsetBytes)
        try writer.write(movie.node, to: &copy)
        for piece in pieces {
            switch piece {
            case .fragment(let box, _):
                var unused: Set<RemovedMetadata> = []
                try Fragment(box, movie, reader, removed: &unused).write(to: &copy, at: copy.size, relocation)
            case .data(let box):
                copy.append(original: box.range.lowerBound..<box.payload.lowerBound)
                copy.append(box.payload, keeping: needed)
            }
        }
        return try messages.replaced(in: copy)
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

extension Fragment.SampleRun {
    /// Looks at the samples of the run, which lie in the file.
    fileprivate func look(
        for messages: inout UnitMessages, _ form: UnitForm, _ source: SourceBytes
    ) throws(CleaningError) {
        let fields = sizes.field?.of ?? 0
        var table = NumberTable(source, at: entries.lowerBound, width: 4, count: sizes.count * fields)
        var start = data.lowerBound
        for index in 0..<sizes.count {
            let size = try sizes.field.map { field throws(CleaningError) in
                Int64(try table.number(at: index * fields + field.index))
            }
            let end = start + (size ?? sizes.standard)
            try messages.look(at: start..<end, form)
            start = end
        }
    }
}

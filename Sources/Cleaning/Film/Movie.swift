/// The `moov` of a film, cleaned (ISO/IEC 14496-12, 8.2): `mvhd`, kept tracks, and `mvex` where fragments follow. Of
/// user data, only what sound needs to play without a gap stays: `GaplessSound`.
struct Movie {
    static let trackLimit = 64

    let header: MovieHeaders.MovieHeader
    let tracks: [Track]
    let hasDroppedTracks: Bool
    /// Samples of all tracks that stand in tables one by one.
    let sampleCount: Int64
    /// What fragments of each kept track have where they do not say it (8.8.3).
    private(set) var defaults: [UInt32: FragmentDefaults] = [:]
    let node: MovieNode

    /// Cleans the film in `box`, of which tracks with these handlers may stay.
    init(
        _ box: Box, _ reader: BoxReader, handlers: Set<BoxType> = TrackOutline.filmHandlers,
        removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        guard box.payloadBytes <= 2 * SampleTable.limitBytes else {
            throw .excessive("a description of more than 128 MiB")
        }
        let children = try reader.children(of: box)
        guard !children.contains(where: { $0.type == "cmov" }) else {
            throw .unsupported("its description is compressed (cmov)")
        }
        var outlines: [TrackOutline] = []
        for child in children where child.type == "trak" {
            guard outlines.count < Self.trackLimit else { throw .excessive("more than \(Self.trackLimit) tracks") }
            let outline = try TrackOutline(child, reader)
            guard !outlines.contains(where: { $0.id == outline.id }) else {
                throw .corrupt("two tracks have one number")
            }
            outlines.append(outline)
        }
        let chapters = Set(outlines.flatMap(\.chapterTracks))
        var kept: [TrackOutline] = []
        var text = TextTelemetry()
        for outline in outlines {
            if let words = try Self.droppedAs(outline, handlers, chapters: chapters, text: &text, reader) {
                removed.formUnion(words)
            } else {
                kept.append(outline)
            }
        }
        guard !kept.isEmpty else { throw .unsupported("no track of film, sound or text") }
        hasDroppedTracks = kept.count < outlines.count

        let headerBox = try reader.full(try children.required("mvhd"))
        var header = try MovieHeaders.MovieHeader(
            try reader.bytes(headerBox.body), version: headerBox.version, removed: &removed)
        let numbers = Set(kept.map(\.id))
        var tracks: [Track] = []
        for outline in kept { tracks.append(try Track(outline, kept: numbers, reader: reader, removed: &removed)) }
        if hasDroppedTracks, header.hasDuration, tracks.allSatisfy(\.header.hasDuration) {
            header.duration = tracks.map(\.header.duration).max() ?? 0
        }
        self.header = header
        self.tracks = tracks
        sampleCount = tracks.reduce(0) { $0 + $1.table.listedSamples }
        guard sampleCount <= SampleTable.sampleLimit else { throw .excessive("more than 20 million samples") }

        var nodes: [MovieNode] = [.bytes(header.box)] + tracks.map(\.node)
        if let extends = try children.one("mvex") {
            let extension_ = try MovieExtends(extends, kept: numbers, reader)
            nodes.append(extension_.node)
            defaults = extension_.defaults
        }
        for child in children where !["mvhd", "trak", "mvex", "iods"].contains(child.type) {
            if child.type == "udta", let gapless = GaplessSound.find(in: child, reader) {
                nodes.append(.bytes(gapless))
                if (try? reader.bytes(child.range)) == gapless { continue }
            }
            FilmWords.note(child, reader, removed: &removed)
        }
        node = .container("moov", nodes)
        guard node.size(offsetBytes: 8) <= SampleTable.limitBytes else {
            throw .excessive("tables of more than 64 MiB")
        }
    }

    /// The words for a track that goes; nil where it stays.
    private static func droppedAs(
        _ outline: TrackOutline, _ handlers: Set<BoxType>, chapters: Set<UInt32>, text: inout TextTelemetry,
        _ reader: BoxReader
    ) throws(CleaningError) -> Set<RemovedMetadata>? {
        if let words = outline.droppedAs(kept: handlers) { return words }
        switch outline.handler {
        // Pictures of chapters, in podcasts.
        case "vide": return chapters.contains(outline.id) ? [.cover] : nil
        case "text", "sbtl", "subt":
            // Titles of chapters.
            if chapters.contains(outline.id) { return [.text] }
            var unused: Set<RemovedMetadata> = []
            let track = try Track(outline, kept: [], reader: reader, removed: &unused)
            var walk = ChunkWalk(track.table, reader.source)
            while let chunk = try walk.next() {
                if try text.isIn(chunk, reader.source) { return [.gps, .telemetry] }
            }
            return nil
        default: return nil
        }
    }

    /// Adds where the samples of all tracks lie, each of which must be in the data of this file. Tracks are walked side
    /// by side, in the file's order: chunks of one track fill the gaps between those of another.
    func insertSamples(
        into needed: inout ByteRanges, data: SortedRanges, _ source: SourceBytes
    ) throws(CleaningError) {
        var walks: [(walk: ChunkWalk, next: Range<Int64>)] = []
        for track in tracks {
            var walk = ChunkWalk(track.table, source)
            if let first = try walk.next() { walks.append((walk, first)) }
        }
        var covered: Range<Int64> = 0..<0
        while var first = walks.indices.first {
            for index in walks.indices where walks[index].next.lowerBound < walks[first].next.lowerBound {
                first = index
            }
            let chunk = walks[first].next
            if !chunk.isEmpty {
                if !(covered.lowerBound <= chunk.lowerBound && chunk.upperBound <= covered.upperBound) {
                    guard let around = data.range(around: chunk) else {
                        if chunk.upperBound > source.count { throw .truncated }
                        throw .corrupt("samples lie outside of its data")
                    }
                    covered = around
                }
                try needed.insert(chunk)
            }
            if let next = try walks[first].walk.next() { walks[first].next = next } else { walks.remove(at: first) }
        }
    }

    /// Looks at what pictures have between their coded parts; samples lie in the file.
    func look(for messages: inout UnitMessages, _ source: SourceBytes) throws(CleaningError) {
        for track in tracks where track.table.unitForms.contains(where: { $0 != nil }) {
            var walk = ChunkWalk(track.table, source)
            while let chunk = try walk.next() {
                guard let form = walk.unitForm else { continue }
                var start = chunk.lowerBound
                for index in walk.samplesOfLast {
                    let end = start + (try walk.size(of: index))
                    try messages.look(at: start..<end, form)
                    start = end
                }
            }
        }
    }

    /// The first enabled track of film that has a size.
    var displayedSize: (width: Int, height: Int)? {
        let films = tracks.filter { ["vide", "pict"].contains($0.outline.handler) }
        for track in films.filter(\.header.isEnabled) + films {
            if let size = track.header.displayedSize ?? track.table.codedSize { return size }
        }
        return nil
    }

    /// Seconds of the longest track.
    var seconds: Double? { tracks.compactMap { $0.seconds(movieTimescale: header.timescale) }.max() }
}

/// The `moov` of a film, cleaned (ISO/IEC 14496-12, 8.2): `mvhd`, kept tracks, and `mvex` where fragments follow. Of
/// user data, only what sound needs to play without a gap stays: `GaplessSound`.
struct Movie {
    static let trackLimit = 64

    let header: MovieHeaders.MovieHeader
    let tracks: [Track]
    let hasDroppedTracks: Bool
    /// What fragments of each kept track have where they do not say it (8.8.3).
    private(set) var defaults: [UInt32: FragmentDefaults] = [:]
    let node: MovieNode

    init(_ box: Box, _ reader: BoxReader, removed: inout Set<RemovedMetadata>) throws(CleaningError) {
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
            if let words = try Self.droppedAs(outline, chapters: chapters, text: &text, reader) {
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
        guard tracks.reduce(0, { $0 + $1.table.sampleCount }) <= SampleTable.sampleLimit else {
            throw .excessive("more than 20 million samples")
        }
        self.header = header
        self.tracks = tracks

        var nodes: [MovieNode] = [.bytes(header.box)] + tracks.map(\.node)
        if let extends = try children.one("mvex") {
            let extension_ = try MovieExtends(extends, kept: numbers, reader)
            nodes.append(extension_.node)
            defaults = extension_.defaults
        }
        for child in children where !["mvhd", "trak", "mvex"].contains(child.type) {
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
        _ outline: TrackOutline, chapters: Set<UInt32>, text: inout TextTelemetry, _ reader: BoxReader
    ) throws(CleaningError) -> Set<RemovedMetadata>? {
        if let words = outline.droppedAs { return words }
        switch outline.handler {
        // Pictures of chapters, in podcasts.
        case "vide": return chapters.contains(outline.id) ? [.cover] : nil
        case "text", "sbtl", "subt":
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

    /// Adds where the samples of all tracks lie, each of which must be in the data of this file.
    func insertSamples(
        into needed: inout ByteRanges, data: [Range<Int64>], _ source: SourceBytes
    ) throws(CleaningError) {
        for track in tracks {
            var walk = ChunkWalk(track.table, source)
            while let chunk = try walk.next() {
                if chunk.isEmpty { continue }
                guard data.cover(chunk) else {
                    if chunk.upperBound > source.count { throw .truncated }
                    throw .corrupt("samples lie outside of its data")
                }
                try needed.insert(chunk)
            }
        }
    }

    /// The first enabled track of film that has a size.
    var displayedSize: (width: Int, height: Int)? {
        let films = tracks.filter { $0.outline.handler == "vide" }
        for track in films.filter(\.header.isEnabled) + films {
            if let size = track.header.displayedSize ?? track.table.codedSize { return size }
        }
        return nil
    }

    /// Seconds of the longest track.
    var seconds: Double? { tracks.compactMap { $0.seconds(movieTimescale: header.timescale) }.max() }
}

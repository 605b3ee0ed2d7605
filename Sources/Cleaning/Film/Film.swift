/// Cleans MP4, QuickTime, M4V, M4A and 3GP (ISO/IEC 14496-12; QuickTime File Format): boxes by allow-list, `moov`
/// before the data, coded samples bit for bit but for messages inside pictures (`UnitMessages`).
///
/// | box | what stays |
/// |---|---|
/// | `ftyp` | brands of the format, not those of makers; the minor version becomes 0 |
/// | `moov` | `Movie` |
/// | `mdat` | samples of kept tracks, in the file's order; what lies between them goes |
/// | `moof` | `Fragment`; then `mdat` keeps its length, and what no kept sample covers becomes zeros |
///
/// Everything else goes: `uuid`, `meta`, `udta`, `free` and so on; `sidx`, `mfra` and `styp` too, since they only help
/// to find a place sooner.
package enum Film {
    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        try clean(source, handlers: TrackOutline.filmHandlers)
    }

    /// Cleans a film of which tracks with these handlers may stay.
    static func clean(_ source: SourceBytes, handlers: Set<BoxType>) throws(CleaningError) -> CleanedFile {
        let reader = BoxReader(source)
        var cleaned = CleanedFile()
        let layout = try FilmLayout(reader, removed: &cleaned.removed)
        let movie = try Movie(layout.movie, reader, handlers: handlers, removed: &cleaned.removed)
        cleaned.size = movie.displayedSize
        cleaned.seconds = movie.seconds
        if layout.hasFragments {
            let film = try FragmentedFilm(layout, movie, reader, removed: &cleaned.removed)
            cleaned.copy = try film.copy()
            cleaned.seconds = film.seconds ?? movie.seconds
        } else {
            cleaned.copy = try copy(layout, movie, reader, removed: &cleaned.removed)
        }
        return cleaned
    }

    private static func copy(
        _ layout: FilmLayout, _ movie: Movie, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> CleanCopy {
        var needed = ByteRanges()
        try movie.insertSamples(into: &needed, data: layout.data, reader.source)
        let pieces = try needed.sorted()
        FilmGaps.note(layout.data, pieces, hasDroppedTracks: movie.hasDroppedTracks, reader.source, removed: &removed)

        let dataBytes = pieces.bytes
        let isLarge = dataBytes > Int64(UInt32.max) - 8
        let dataHeader: Int64 = isLarge ? 16 : 8
        let start = Int64(layout.fileType.count) + dataHeader
        let narrow = start + dataBytes + movie.node.size(offsetBytes: 4)
        let offsetBytes: Int64 = narrow > Int64(UInt32.max) ? 8 : 4

        var copy = CleanCopy()
        copy.append(layout.fileType)
        let place = start + movie.node.size(offsetBytes: offsetBytes)
        let writer = MovieWriter(
            source: reader.source, relocation: Relocation(gathered: pieces, at: place), offsetBytes: offsetBytes)
        try writer.write(movie.node, to: &copy)
        if pieces.count == 0 { return copy }
        let type = BoxType("mdat").bytes
        copy.append(
            isLarge
                ? BigEndian.bytes(UInt32(1)) + type + BigEndian.bytes(UInt64(dataBytes + 16))
                : BigEndian.bytes(UInt32(dataBytes + 8)) + type)
        for piece in pieces { copy.append(original: piece) }
        var messages = UnitMessages(reader.source)
        try movie.look(for: &messages, reader.source)
        removed.formUnion(messages.removed)
        return try messages.replaced(in: copy)
    }
}

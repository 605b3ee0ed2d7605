/// A profile built anew from its colours alone; nil where the picture does without. With what the old one told.
package typealias ProfileRebuild = (_ profile: [UInt8]) -> (profile: [UInt8]?, removed: Set<RemovedMetadata>)

/// Cleans HEIC, HEIF and AVIF in place (ISO/IEC 23008-12; ISO/IEC 14496-12, 8.11): no offset moves.
///
/// | box | what stays |
/// |---|---|
/// | `ftyp` | brands of the format; others become `mif1`, the minor version 0 |
/// | `meta` | `HEIFMeta`; what is freed becomes `free`, or zeros behind the handler's empty name |
/// | `moov` | of sequences (`avis`, `msf1`): `Movie`, with tracks of pictures; what is freed becomes `free` |
/// | `mdat` | bytes of kept items, and samples of kept tracks; all others become zeros |
///
/// Every other box becomes `free` full of zeros, or is cut off at the end of the file.
package enum HEIF {
    package static let pixelLimit = 100_000_000
    /// Bytes of `meta`.
    private static let metaLimitBytes: Int64 = 64 << 20

    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        try clean(source) { profile in
            let cleaned = CleanProfile(profile[...], of: .rgb)
            guard case .rebuilt(let bytes) = cleaned.replacement else { return (nil, cleaned.removed) }
            return (bytes, cleaned.removed)
        }
    }

    /// Cleans a picture; `rebuildProfile` gets each ICC profile.
    package static func clean(
        _ source: SourceBytes, rebuildProfile: @escaping ProfileRebuild
    ) throws(CleaningError) -> CleanedFile {
        let reader = BoxReader(source)
        var cleaned = CleanedFile()
        let boxes = try boxes(reader, removed: &cleaned.removed)
        let fileType = try boxes.required("ftyp")
        guard boxes.first == fileType else { throw .corrupt("its first box is not “ftyp”") }
        guard !boxes.contains(where: { $0.type == "moof" }) else { throw .unsupported("a sequence in fragments") }
        let movieBox = try boxes.one("moov")
        if movieBox != nil, try boxes.one("meta") == nil { return try Film.clean(source, handlers: Self.handlers) }

        let metaBox = try boxes.required("meta")
        guard metaBox.payloadBytes <= metaLimitBytes else { throw .excessive("a description of more than 64 MiB") }
        var data = SortedRanges()
        for box in boxes where box.type == "mdat" { data.append(box.payload) }
        var meta = HEIFMeta(reader, data: data, rebuildProfile: rebuildProfile)
        let newMeta = try meta.clean(metaBox)
        cleaned.removed.formUnion(meta.removed)
        cleaned.size = meta.displayedSize
        var kept = meta.keptData
        var messages = UnitMessages(source)
        for (sample, form) in meta.codedItems { try messages.look(at: sample, form) }
        var movie: Movie?
        if let movieBox {
            let sequence = try Movie(movieBox, reader, handlers: Self.handlers, removed: &cleaned.removed)
            var samples = ByteRanges()
            try sequence.insertSamples(into: &samples, data: data, source)
            kept = kept.merged(with: try samples.sorted())
            cleaned.seconds = sequence.seconds
            try sequence.look(for: &messages, source)
            movie = sequence
        }

        let needed = boxes.last { ["meta", "ftyp", "moov"].contains($0.type) || isNeeded($0, kept) }
        let end = needed?.range.upperBound ?? 0
        var copy = CleanCopy()
        for box in boxes where box.range.lowerBound < end {
            switch box.type {
            case "ftyp": copy.append(try Self.fileType(box, reader, removed: &cleaned.removed))
            case "meta":
                copy.append(original: box.range.lowerBound..<box.payload.lowerBound)
                copy.append(partsOf: newMeta)
            case "moov":
                guard let movie else { continue }
                try write(movie, inPlaceOf: box, isLast: box.range.upperBound == end, data: data, reader, to: &copy)
            case "mdat" where isNeeded(box, kept):
                copy.append(original: box.range.lowerBound..<box.payload.lowerBound)
                copy.append(box.payload, keeping: kept)
            default: copy.append(free: box.range.upperBound - box.range.lowerBound)
            }
        }
        cleaned.copy = try messages.replaced(in: copy)
        cleaned.removed.formUnion(messages.removed)
        return cleaned
    }

    /// Handlers of sequences: pictures, and alpha.
    private static let handlers = TrackOutline.filmHandlers.union(["pict", "auxv"])

    /// Writes the description of a sequence, whose offsets do not change.
    private static func write(
        _ movie: Movie, inPlaceOf box: Box, isLast: Bool, data: SortedRanges, _ reader: BoxReader,
        to copy: inout CleanCopy
    ) throws(CleaningError) {
        let offsetBytes: Int64 = (data.last?.upperBound ?? 0) > Int64(UInt32.max) ? 8 : 4
        let left = box.range.upperBound - box.range.lowerBound - movie.node.size(offsetBytes: offsetBytes)
        guard left >= 0 || isLast else { throw .unsupported("a description that cannot be written in its place") }
        let writer = MovieWriter(
            source: reader.source, relocation: Relocation(boxes: data.map { ($0, $0.lowerBound) }),
            offsetBytes: offsetBytes)
        // Where there is no room for a box, zeros go behind a handler's empty name.
        let isTight = (1..<8).contains(left) && !isLast
        try writer.write(isTight ? movie.node.padded(by: Int(left)) : movie.node, to: &copy)
        if left >= 8, !isLast { copy.append(free: left) }
    }

    /// The boxes of the top level; what is no box behind `meta` goes.
    private static func boxes(
        _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [Box] {
        var boxes: [Box] = []
        var offset: Int64 = 0
        while offset < reader.source.count {
            do throws(CleaningError) {
                guard let box = try reader.box(at: offset, end: reader.source.count, depth: 0) else { break }
                boxes.append(box)
                offset = box.range.upperBound
                switch box.type {
                case "ftyp", "meta", "mdat", "moov", "free", "skip": break
                case "mpvd", "sefd": removed.insert(.trailing)
                default: FilmWords.note(box, reader, removed: &removed)
                }
            } catch {
                guard boxes.contains(where: { $0.type == "meta" }) else { throw error }
                if case .excessive = error { throw error }
                removed.insert(.trailing)
                break
            }
        }
        return boxes
    }

    private static func isNeeded(_ box: Box, _ kept: SortedRanges) -> Bool {
        box.type == "mdat" && kept.overlap(box.payload)
    }

    private static let brands: Set<BoxType> = [
        "mif1", "mif2", "msf1", "miaf", "heic", "heix", "hevc", "hevx", "heim", "heis", "avif", "avis", "avio", "MiHB",
        "MiHE", "MiHA", "MiPr", "MA1A", "MA1B", "tmap", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "isom",
    ]

    private static func fileType(
        _ box: Box, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        guard box.payloadBytes <= 1024, box.payloadBytes >= 8, box.payloadBytes % 4 == 0 else {
            throw .corrupt("the box “ftyp” has a wrong size")
        }
        var bytes = try reader.bytes(box.range)
        let start = bytes.count - Int(box.payloadBytes)
        for index in stride(from: start, to: bytes.count, by: 4) {
            let brand = BoxType(code: UInt32(BigEndian.number(bytes, at: index, 4)))
            let isVersion = index == start + 4
            if isVersion ? brand.code == 0 : brands.contains(brand) { continue }
            removed.insert(.encoder)
            bytes.replaceSubrange(index..<index + 4, with: isVersion ? [0, 0, 0, 0] : BoxType("mif1").bytes)
        }
        return bytes
    }
}

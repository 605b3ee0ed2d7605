/// The boxes of a film's top level (ISO/IEC 14496-12, 4.3 and 8.1): which stay, and in which order.
struct FilmLayout {
    /// A part of a film in fragments, in the file's order.
    enum Segment {
        case fragment(Box)
        case data(Box)
    }

    /// The new `ftyp`; empty where there was none, as in old QuickTime films.
    private(set) var fileType: [UInt8] = []
    let movie: Box
    private(set) var segments: [Segment] = []
    private(set) var hasFragments = false
    /// The payloads of all `mdat`, sorted and apart from each other.
    private(set) var data = SortedRanges()

    private static let brands: Set<BoxType> = [
        "isom", "iso2", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "isoa", "isob", "isoc", "mp41", "mp42",
        "avc1", "hvc1", "hev1", "av01", "qt  ", "M4V ", "M4A ", "M4B ", "M4VH", "M4VP", "3gp4", "3gp5", "3gp6", "3gp7",
        "3gp8", "3gp9", "3gr6", "3gs6", "3ge6", "3g2a", "3g2b", "3g2c", "dby1", "dash", "cmfc", "cmf2", "msdh", "msix",
        "msf1", "mif1", "miaf", "avis", "avif", "MA1A", "MA1B", "hevc", "hevx",
    ]

    init(_ reader: BoxReader, removed: inout Set<RemovedMetadata>) throws(CleaningError) {
        let end = reader.source.count
        var offset: Int64 = 0
        var movies: [Box] = []
        while offset < end {
            let found: Box?
            do throws(CleaningError) {
                found = try reader.box(at: offset, end: end, depth: 0)
            } catch {
                // Behind a whole film, some cameras and programs write what is no box.
                guard case .excessive = error else {
                    guard !movies.isEmpty, data.count > 0, try !Self.isKnown(at: offset, reader) else { throw error }
                    removed.insert(.trailing)
                    break
                }
                throw error
            }
            guard let box = found else { break }
            offset = box.range.upperBound
            switch box.type {
            case "ftyp":
                guard fileType.isEmpty else { throw .corrupt("it has more than one box “ftyp”") }
                fileType = try Self.fileType(box, reader, removed: &removed)
            case "moov": movies.append(box)
            case "moof":
                segments.append(.fragment(box))
                hasFragments = true
            case "mdat":
                segments.append(.data(box))
                data.append(box.payload)
            case "sidx", "ssix", "styp", "mfra", "free", "skip", "wide": continue
            case "meta" where movies.isEmpty && data.count == 0 && fileType.isEmpty:
                throw .unsupported("pictures instead of a film")
            default: FilmWords.note(box, reader, removed: &removed)
            }
        }
        movie = try movies.required("moov")
    }

    /// Whether a box that is cut short is one that the film needs.
    private static func isKnown(at offset: Int64, _ reader: BoxReader) throws(CleaningError) -> Bool {
        guard reader.source.count - offset >= 8 else { return false }
        let type = BoxType(code: UInt32(try reader.source.bigEndian(4, at: offset + 4)))
        return ["ftyp", "moov", "moof", "mdat"].contains(type)
    }

    /// Brands of the format stay (ISO/IEC 14496-12, 4.3): others name makers of cameras, and programs.
    private static func fileType(
        _ box: Box, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        guard box.payloadBytes <= 1024 else { throw .excessive("more than 256 brands") }
        var fields = FieldReader(try reader.bytes(box.payload), of: "ftyp")
        let major = BoxType(code: UInt32(try fields.number(4)))
        if try fields.number(4) != 0 { removed.insert(.encoder) }
        var compatible: [BoxType] = []
        while fields.count >= 4 {
            let brand = BoxType(code: UInt32(try fields.number(4)))
            guard brand.code != 0, !compatible.contains(brand) else { continue }
            if brands.contains(brand) { compatible.append(brand) } else { removed.insert(.encoder) }
        }
        let isKnown = brands.contains(major)
        if !isKnown { removed.insert(.encoder) }
        let kept = isKnown ? major : compatible.first ?? "isom"
        if compatible.isEmpty { compatible = [kept] }
        return .box("ftyp", kept.bytes + [0, 0, 0, 0] + compatible.flatMap(\.bytes))
    }
}

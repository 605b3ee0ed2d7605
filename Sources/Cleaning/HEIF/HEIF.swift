/// A profile built anew from its colours alone; nil where the picture does without. With what the old one told.
package typealias ProfileRebuild = (_ profile: [UInt8]) -> (profile: [UInt8]?, removed: Set<RemovedMetadata>)

/// Cleans HEIC, HEIF and AVIF in place (ISO/IEC 23008-12; ISO/IEC 14496-12, 8.11): no offset moves.
///
/// | box | what stays |
/// |---|---|
/// | `ftyp` | brands of the format; others become `mif1`, the minor version 0 |
/// | `meta` | `HEIFMeta`; what is freed becomes `free`, or zeros behind the handler's empty name |
/// | `mdat` | bytes of kept items; all others become zeros |
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
        guard !boxes.contains(where: { $0.type == "moov" }) else { throw .unsupported("a sequence of pictures") }

        let metaBox = try boxes.required("meta")
        guard metaBox.payloadBytes <= metaLimitBytes else { throw .excessive("a description of more than 64 MiB") }
        let data = boxes.filter { $0.type == "mdat" }.map(\.payload)
        var meta = HEIFMeta(reader, data: data, rebuildProfile: rebuildProfile)
        let newMeta = try meta.clean(metaBox)
        cleaned.removed.formUnion(meta.removed)
        cleaned.size = meta.displayedSize
        let kept = meta.keptData

        let end = boxes.last { $0.type == "meta" || $0.type == "ftyp" || isNeeded($0, kept) }?.range.upperBound ?? 0
        var copy = GatheredCopy()
        for box in boxes where box.range.lowerBound < end {
            switch box.type {
            case "ftyp": copy.append(try Self.fileType(box, reader, removed: &cleaned.removed))
            case "meta":
                copy.append(original: box.range.lowerBound..<box.payload.lowerBound)
                copy.append(newMeta)
            case "mdat" where isNeeded(box, kept):
                copy.append(original: box.range.lowerBound..<box.payload.lowerBound)
                copy.append(box.payload, keeping: kept)
            default: copy.append(free: box.range.upperBound - box.range.lowerBound)
            }
        }
        cleaned.copy = copy.finished()
        return cleaned
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

    private static func isNeeded(_ box: Box, _ kept: [Range<Int64>]) -> Bool {
        guard box.type == "mdat", !box.payload.isEmpty, let index = kept.indexOfRange(at: box.payload.upperBound - 1)
        else { return false }
        return kept[index].upperBound > box.payload.lowerBound
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

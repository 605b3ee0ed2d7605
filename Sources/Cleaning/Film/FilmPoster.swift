/// The frames of a film that may stand for it before it has arrived: sync samples of its first three seconds
/// (ISO/IEC 14496-12, 8.6.2), of films in fragments those that fragments begin with.
package struct FilmPoster: Sendable {
    /// How its frames are compressed.
    package enum Coding: Hashable, Sendable { case hevc, av1, avc, vp8 }

    package let coding: Coding
    /// Pixels across and down as stored.
    package let width: Int
    package let height: Int
    /// How frames are turned for display.
    package let orientation: Orientation
    /// Where the bytes of each frame lie.
    package let frames: [Range<Int64>]
    /// The decoder's configuration, a whole box.
    let configuration: [UInt8]
    /// Code points of ITU-T H.273, where the film has them: primaries, curve, matrix.
    let codePoints: [UInt16]?
    let isFullRange: Bool

    static let seconds: UInt64 = 3
    static let frameLimit = 4
    static let frameLimitBytes: Int64 = 16 << 20
    static let pixelLimit = 40_000_000

    /// Nil for films of which no frame can be decoded here.
    package init?(_ source: SourceBytes) {
        do throws(CleaningError) {
            if Array(try source.bytes(4, at: 0)) == BigEndian.bytes(MatroskaID.ebml) {
                try self.init(matroska: source)
                return
            }
            let reader = BoxReader(source)
            guard let track = try Self.track(reader) else { return nil }
            try self.init(track, reader)
        } catch {
            return nil
        }
    }

    init(
        coding: Coding, width: Int, height: Int, frames: [Range<Int64>], configuration: [UInt8], codePoints: [UInt16]?,
        isFullRange: Bool
    ) {
        (self.coding, self.width, self.height, orientation) = (coding, width, height, .upright)
        (self.frames, self.configuration) = (frames, configuration)
        (self.codePoints, self.isFullRange) = (codePoints, isFullRange)
    }

    /// The first enabled track of film, or the first.
    private static func track(_ reader: BoxReader) throws(CleaningError) -> TrackOutline? {
        var offset: Int64 = 0
        var films: [TrackOutline] = []
        while offset < reader.source.count {
            guard let box = try reader.box(at: offset, end: reader.source.count, depth: 0) else { return nil }
            offset = box.range.upperBound
            guard box.type == "moov" else { continue }
            for child in try reader.children(of: box) where child.type == "trak" {
                let outline = try TrackOutline(child, reader)
                if outline.handler == "vide" { films.append(outline) }
                if films.count > 8 { break }
            }
            break
        }
        for film in films where try reader.full(try film.children.required("tkhd")).flags & 1 == 1 { return film }
        return films.first
    }

    private init?(_ track: TrackOutline, _ reader: BoxReader) throws(CleaningError) {
        let information = try reader.children(of: try track.media.required("minf"))
        let tables = try reader.children(of: try information.required("stbl"))
        guard let entry = try FilmEntry(try tables.required("stsd"), reader), entry.width > 0, entry.height > 0,
            entry.width * entry.height <= Self.pixelLimit
        else { return nil }
        (coding, width, height) = (entry.coding, entry.width, entry.height)
        (configuration, codePoints, isFullRange) = (entry.configuration, entry.codePoints, entry.isFullRange)

        let mediaBox = try reader.full(try track.media.required("mdhd"))
        var unused: Set<RemovedMetadata> = []
        let media = try MovieHeaders.MediaHeader(try reader.bytes(mediaBox.body), mediaBox, removed: &unused)
        let headerBox = try reader.full(try track.children.required("tkhd"))
        let header = try MovieHeaders.TrackHeader(try reader.bytes(headerBox.body), headerBox, removed: &unused)
        orientation = Self.orientation(header.matrix)

        let end = UInt64(media.timescale) * Self.seconds
        var samples = try FirstSamples(tables, reader).syncSamples(until: end, limit: Self.frameLimit)
        if samples.isEmpty {
            samples = try Self.syncSamples(
                inFragmentsOf: header.id, until: end, limit: Self.frameLimit, BoxReader(reader.source))
        }
        frames = samples.filter { (1...Self.frameLimitBytes).contains(Int64($0.count)) }
        if frames.isEmpty { return nil }
    }

    /// The turn that a matrix makes (ISO/IEC 14496-12, 6.2.2), where it is one by quarters.
    static func orientation(_ matrix: [Int32]) -> Orientation {
        func sign(_ index: Int) -> Int { matrix[index] == 0 ? 0 : matrix[index] > 0 ? 1 : -1 }
        switch [sign(0), sign(1), sign(3), sign(4)] {
        case [-1, 0, 0, 1]: return .mirrored
        case [-1, 0, 0, -1]: return .halfTurn
        case [1, 0, 0, -1]: return .flipped
        case [0, 1, 1, 0]: return .transposed
        case [0, 1, -1, 0]: return .rightTurn
        case [0, -1, -1, 0]: return .transversed
        case [0, -1, 1, 0]: return .leftTurn
        default: return .upright
        }
    }
}

/// A visual sample entry as far as a decoder needs it (ISO/IEC 14496-12, 12.1.3).
struct FilmEntry {
    let coding: FilmPoster.Coding
    let width: Int
    let height: Int
    let configuration: [UInt8]
    private(set) var codePoints: [UInt16]?
    private(set) var isFullRange = false

    /// Of the first entry; nil for what is not decoded here.
    init?(_ descriptions: Box, _ reader: BoxReader) throws(CleaningError) {
        let body = try reader.full(descriptions).body
        guard body.upperBound - body.lowerBound > 4,
            let entry = try reader.boxes(in: body.lowerBound + 4..<body.upperBound, depth: descriptions.depth + 1).first
        else { return nil }
        let kind: BoxType
        switch entry.type {
        case "hvc1", "hev1", "dvh1", "dvhe": (coding, kind) = (.hevc, "hvcC")
        case "av01", "dav1": (coding, kind) = (.av1, "av1C")
        case "avc1", "avc3", "dva1", "dvav": (coding, kind) = (.avc, "avcC")
        default: return nil
        }
        guard entry.payloadBytes > 78 else { return nil }
        width = Int(try reader.source.bigEndian(2, at: entry.payload.lowerBound + 24))
        height = Int(try reader.source.bigEndian(2, at: entry.payload.lowerBound + 26))
        let inner = entry.payload.lowerBound + 78..<entry.payload.upperBound
        let boxes = try reader.boxes(in: inner, depth: entry.depth + 1)
        guard let box = try boxes.one(kind) else { return nil }
        configuration = try reader.bytes(box.range)
        for colour in boxes where colour.type == "colr" && colour.payloadBytes >= 10 {
            let bytes = try reader.bytes(colour.payload)
            let isNamed = [BoxType("nclx").bytes, BoxType("nclc").bytes].contains(Array(bytes.prefix(4)))
            guard isNamed else { continue }
            codePoints = (0..<3).map { UInt16(BigEndian.number(bytes, at: 4 + 2 * $0, 2)) }
            isFullRange = bytes.count > 10 && bytes[10] & 0x80 != 0
        }
    }
}

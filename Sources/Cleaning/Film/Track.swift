/// What decides whether a track stays: its number, handler, and who refers to it.
struct TrackOutline {
    static let filmHandlers: Set<BoxType> = ["vide", "soun", "subt", "sbtl", "text", "clcp"]

    let box: Box
    let children: [Box]
    let media: [Box]
    let id: UInt32
    let handler: BoxType
    /// The tracks that hold its chapters.
    let chapterTracks: [UInt32]
    /// Whether it shows another track in small.
    let isThumbnail: Bool

    init(_ box: Box, _ reader: BoxReader) throws(CleaningError) {
        self.box = box
        children = try reader.children(of: box)
        media = try reader.children(of: try children.required("mdia"))
        let header = try reader.full(try children.required("tkhd"))
        let ignored = try reader.bytes(header.body)
        var unused: Set<RemovedMetadata> = []
        id = try MovieHeaders.TrackHeader(ignored, header, removed: &unused).id
        let handlerBox = try reader.full(try media.required("hdlr"))
        guard handlerBox.bodyBytes >= 8 else { throw .corrupt("the box “hdlr” is too short") }
        handler = BoxType(code: UInt32(try reader.source.bigEndian(4, at: handlerBox.body.lowerBound + 4)))
        var chapters: [UInt32] = []
        var isThumbnail = false
        if let references = try children.one("tref") {
            for reference in try reader.children(of: references) {
                if reference.type == "chap" { chapters += try Self.numbers(reference, reader) }
                if reference.type == "thmb" { isThumbnail = true }
            }
        }
        chapterTracks = chapters
        self.isThumbnail = isThumbnail
    }

    /// The words for a track that goes; nil where its handler is one of those that stay.
    func droppedAs(kept handlers: Set<BoxType>) -> Set<RemovedMetadata>? {
        if isThumbnail { return [.thumbnail] }
        if handlers.contains(handler) { return nil }
        switch handler {
        case "tmcd": return [.time]
        case "auxv": return [.depth]
        case "pict": return [.other]
        case "hint", "odsm", "sdsm": return [.other]
        default: return [.telemetry]
        }
    }

    /// The track numbers of one reference.
    static func numbers(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> [UInt32] {
        let bytes = try reader.bytes(box.payload)
        guard bytes.count <= 4 * 1024 else { throw .excessive("a reference to more than 1,024 tracks") }
        return (0..<bytes.count / 4).map { UInt32(BigEndian.number(bytes, at: 4 * $0, 4)) }
    }
}

/// A track that stays, cleaned (ISO/IEC 14496-12, 8.3 and 8.4).
struct Track {
    let outline: TrackOutline
    private(set) var node: MovieNode
    let header: MovieHeaders.TrackHeader
    let media: MovieHeaders.MediaHeader
    let table: SampleTable
    /// The sum of its edits in the movie's time scale, where it has any.
    private(set) var editedDuration: UInt64?

    private static let references: Set<BoxType> = [
        "chap", "sync", "subt", "forc", "folw", "fall", "font", "vdep", "vplx", "sbas", "scal", "auxl",
    ]

    init(
        _ outline: TrackOutline, kept: Set<UInt32>, reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        self.outline = outline
        let headerBox = try reader.full(try outline.children.required("tkhd"))
        header = try MovieHeaders.TrackHeader(try reader.bytes(headerBox.body), headerBox, removed: &removed)
        let mediaBox = try reader.full(try outline.media.required("mdhd"))
        media = try MovieHeaders.MediaHeader(try reader.bytes(mediaBox.body), mediaBox, removed: &removed)
        let information = try MediaInformation(outline, reader, removed: &removed)
        table = information.table

        for type in ["tapt", "edts", "tref"] as [BoxType] { _ = try outline.children.one(type) }
        var nodes: [MovieNode] = [.bytes(header.box)]
        for child in outline.children {
            switch child.type {
            case "tkhd", "free", "skip": continue
            case "tapt": nodes += try Self.apertures(child, reader, removed: &removed)
            case "edts":
                guard let edits = try reader.children(of: child).one("elst") else { continue }
                let list = try EditList(edits, reader)
                editedDuration = list.duration
                nodes.append(.container("edts", [list.node]))
            case "tref":
                let references = try Self.references(child, kept: kept, reader)
                if !references.isEmpty { nodes.append(.container("tref", references)) }
            case "mdia":
                nodes.append(.container("mdia", [.bytes(media.box)] + information.nodes))
            default: FilmWords.note(child, reader, removed: &removed)
            }
        }
        node = .container("trak", nodes)
    }

    /// Seconds that it plays; nil where it does not say.
    func seconds(movieTimescale: UInt32) -> Double? {
        if let editedDuration, editedDuration > 0 { return Double(editedDuration) / Double(movieTimescale) }
        guard media.hasDuration, media.duration > 0 else { return nil }
        return Double(media.duration) / Double(media.timescale)
    }

    /// QuickTime's clean, production and encoded dimensions.
    private static func apertures(
        _ box: Box, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [MovieNode] {
        var kept: [MovieNode] = []
        for child in try reader.children(of: box) where ["clef", "prof", "enof"].contains(child.type) {
            guard child.payloadBytes >= 12 else { throw .corrupt("the box “\(child.type)” is too short") }
            kept.append(.bytes(.box(child.type, Array(try reader.bytes(child.payload).prefix(12)))))
        }
        return kept.isEmpty ? [] : [.container("tapt", kept)]
    }

    /// References between tracks that stay, without those of descriptions to what they describe (`cdsc`).
    private static func references(
        _ box: Box, kept: Set<UInt32>, _ reader: BoxReader
    ) throws(CleaningError) -> [MovieNode] {
        var nodes: [MovieNode] = []
        for child in try reader.children(of: box) where references.contains(child.type) {
            let numbers = try TrackOutline.numbers(child, reader).filter { kept.contains($0) }
            if !numbers.isEmpty { nodes.append(.bytes(.box(child.type, numbers.flatMap { BigEndian.bytes($0) }))) }
        }
        return nodes
    }
}

/// The edit list, 8.6.6: edits stay that last. One of no duration lasts to the end in a film in fragments, and where there is
/// no other.
struct EditList {
    let node: MovieNode
    /// In the movie's time scale.
    let duration: UInt64

    init(_ box: Box, _ reader: BoxReader) throws(CleaningError) {
        let header = try reader.full(box)
        guard header.version <= 1, header.bodyBytes >= 4 else { throw .corrupt("the box “elst” is too short") }
        let count = Int(try reader.source.bigEndian(4, at: header.body.lowerBound))
        guard count <= 65536 else { throw .excessive("more than 65,536 edits") }
        let entryBytes = header.version == 1 ? 20 : 12
        let bytes = try reader.bytes(header.body)
        guard bytes.count >= 4 + count * entryBytes else { throw .corrupt("the box “elst” is too short") }
        var sum: UInt64 = 0
        var kept: [UInt8] = []
        var last: ArraySlice<UInt8> = []
        for index in 0..<count {
            let entry = bytes[4 + index * entryBytes..<4 + (index + 1) * entryBytes]
            let length = BigEndian.number(bytes, at: entry.startIndex, header.version == 1 ? 8 : 4)
            sum = sum.addingReportingOverflow(length).overflow ? .max : sum + length
            if length > 0 { kept += entry } else { last = entry }
        }
        // Behind the others: the rest of a film in fragments.
        if count > 0, bytes[..<(4 + count * entryBytes)].suffix(entryBytes).elementsEqual(last) { kept += last }
        duration = sum
        let edits = BigEndian.bytes(UInt32(kept.count / entryBytes)) + kept
        node = .bytes(.fullBox("elst", version: header.version, flags: header.flags, edits))
    }
}

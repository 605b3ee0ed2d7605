/// What follows the media header in `mdia` (ISO/IEC 14496-12, 8.4.3 to 8.4.5, 8.7.1; QuickTime File Format, `gmhd`).
struct MediaInformation {
    /// The boxes of `mdia` behind its header.
    let nodes: [MovieNode]
    let table: SampleTable

    init(
        _ outline: TrackOutline, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        var nodes: [MovieNode] = []
        for child in outline.media {
            switch child.type {
            case "mdhd", "minf", "free", "skip": continue
            case "hdlr":
                let header = try reader.full(child)
                nodes.append(.bytes(try MovieHeaders.handler(try reader.bytes(header.body), removed: &removed)))
            case "elng":
                if let language = try Self.language(child, reader) { nodes.append(.bytes(language)) }
            default: FilmWords.note(child, reader, removed: &removed)
            }
        }
        let information = try reader.children(of: try outline.media.required("minf"))
        let references = try Self.dataReferences(try information.required("dinf"), reader, removed: &removed)
        table = try SampleTable(
            try information.required("stbl"), handler: outline.handler, dataReferences: references.count,
            reader: reader, removed: &removed)
        for type in ["vmhd", "smhd", "nmhd", "sthd", "gmhd", "hdlr"] as [BoxType] { _ = try information.one(type) }
        var inner: [MovieNode] = []
        for child in information {
            switch child.type {
            case "vmhd": inner.append(.bytes(.box("vmhd", try Self.prefix(12, of: child, reader))))
            case "smhd": inner.append(.bytes(.box("smhd", try Self.prefix(6, of: child, reader) + [0, 0])))
            case "nmhd", "sthd": inner.append(.bytes(.fullBox(child.type, [])))
            case "gmhd": inner.append(.container("gmhd", try Self.baseMedia(child, reader)))
            case "hdlr":
                // QuickTime's handler of data, in this file.
                let header = try reader.full(child)
                guard header.bodyBytes >= 8,
                    ["alis", "url "].contains(
                        BoxType(code: UInt32(try reader.source.bigEndian(4, at: header.body.lowerBound + 4))))
                else { continue }
                inner.append(.bytes(try MovieHeaders.handler(try reader.bytes(header.body), removed: &removed)))
            case "dinf": inner.append(references.node)
            case "stbl": inner.append(table.node)
            case "free", "skip": continue
            default: FilmWords.note(child, reader, removed: &removed)
            }
        }
        self.nodes = nodes + [.container("minf", inner)]
    }

    /// Media data lies in this file: each entry is an empty `url ` or `alis` that says so.
    private static func dataReferences(
        _ box: Box, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> (node: MovieNode, count: Int) {
        let header = try reader.full(try reader.children(of: box).required("dref"))
        guard header.bodyBytes >= 4 else { throw .corrupt("the box “dref” is too short") }
        let count = Int(try reader.source.bigEndian(4, at: header.body.lowerBound))
        let entries = try reader.boxes(in: header.body.lowerBound + 4..<header.body.upperBound, depth: box.depth + 2)
        guard count >= 1, count <= entries.count else { throw .corrupt("the box “dref” is too short") }
        guard count <= 64 else { throw .excessive("more than 64 references to files") }
        var kept: [UInt8] = BigEndian.bytes(UInt32(count))
        for entry in entries.prefix(count) {
            let reference = try reader.full(entry)
            guard reference.flags & 1 == 1 else { throw .unsupported("a reference to another file") }
            if reference.bodyBytes > 0 { removed.insert(.other) }
            kept += .fullBox(entry.type == "alis" ? "alis" : "url ", flags: 1, [])
        }
        return (.bytes(.box("dinf", .fullBox("dref", kept))), count)
    }

    private static func baseMedia(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> [MovieNode] {
        var kept: [MovieNode] = []
        for child in try reader.children(of: box) {
            switch child.type {
            case "gmin": kept.append(.bytes(.box("gmin", try prefix(14, of: child, reader) + [0, 0])))
            case "text": kept.append(.bytes(.box("text", try prefix(36, of: child, reader))))
            default: continue
            }
        }
        return kept
    }

    /// RFC 4646 tags have letters, digits and hyphens.
    private static func language(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> [UInt8]? {
        let header = try reader.full(box)
        guard header.bodyBytes <= 36 else { return nil }
        var fields = FieldReader(try reader.bytes(header.body), of: "elng")
        let language = fields.text()
        let parts = language.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.allSatisfy({ (1...8).contains($0.count) }),
            parts.first?.allSatisfy({ !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true
        else { return nil }
        guard
            language.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            })
        else { return nil }
        return .fullBox("elng", language + [0])
    }

    private static func prefix(_ count: Int, of box: Box, _ reader: BoxReader) throws(CleaningError) -> [UInt8] {
        guard box.payloadBytes >= Int64(count) else { throw .corrupt("the box “\(box.type)” is too short") }
        let range = box.payload.lowerBound..<box.payload.lowerBound + Int64(count)
        return try reader.bytes(range)
    }
}

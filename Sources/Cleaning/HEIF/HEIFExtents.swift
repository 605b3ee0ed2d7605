/// Finds the bytes of kept items, and checks that nothing else can lie in them.
struct HEIFExtents {
    /// Columns and rows of a grid together.
    static let tileLimit = 1024

    private let kept: Set<UInt32>
    private let items: [HEIFItem]
    private let locations: [UInt32: HEIFLocation]
    /// Of how many pictures each derived one is made.
    private var partCounts: [UInt32: Int] = [:]
    private let data: SortedRanges
    private let storage: Box?

    init(
        _ kept: Set<UInt32>, _ items: [HEIFItem], _ locations: [UInt32: HEIFLocation], _ references: [HEIFReference],
        data: SortedRanges, storage: Box?
    ) {
        self.kept = kept
        self.items = items
        self.locations = locations
        self.data = data
        self.storage = storage
        for each in references where each.type == "dimg" { partCounts[each.from, default: 0] += each.to.count }
    }

    /// The ranges, sorted and apart from each other; and those of items that lie in one piece.
    func checked(
        _ reader: BoxReader
    ) throws(CleaningError) -> (data: SortedRanges, whole: [(item: UInt32, range: Range<Int64>)]) {
        var ranges = ByteRanges()
        var whole: [(item: UInt32, range: Range<Int64>)] = []
        for item in items where kept.contains(item.id) {
            guard let location = locations[item.id] else {
                guard item.type == "iden" else { throw .corrupt("a picture lies nowhere") }
                continue
            }
            guard location.dataReference == 0 else { throw .unsupported("a reference to another file") }
            let own = try extents(location, fileBytes: reader.source.count)
            for range in own { try ranges.insert(range) }
            if own.count == 1 { whole.append((item.id, own[0])) }
            switch item.type {
            case "grid": try checkGrid(item, location, own, reader.source)
            case "iden": guard own.isEmpty else { throw .corrupt("a picture that is another's has bytes of its own") }
            case "iovl": try checkOverlay(item, location, own, reader.source)
            // ISO 21496-1: at most three channels of five fractions, and two fractions for all.
            case "tmap": guard location.bytes <= 142 else { throw .unsupported("a long “tmap”") }
            default: continue
            }
        }
        return (try ranges.sorted(), whole)
    }

    private func extents(_ location: HEIFLocation, fileBytes: Int64) throws(CleaningError) -> [Range<Int64>] {
        var ranges: [Range<Int64>] = []
        for extent in location.extents {
            guard extent.length > 0 else { throw .unsupported("a picture that does not say how long it is") }
            let (offset, length) = (Int64(clamping: extent.offset), Int64(clamping: extent.length))
            let end = offset.addingReportingOverflow(length)
            guard !end.overflow else { throw .truncated }
            var range = offset..<end.partialValue
            switch location.method {
            case 0:
                guard range.upperBound <= fileBytes else { throw .truncated }
                guard data.cover(range) else { throw .corrupt("a picture lies outside of its data") }
            case 1:
                guard let storage, range.upperBound <= storage.payloadBytes else { throw .truncated }
                range = storage.payload.lowerBound + offset..<storage.payload.lowerBound + end.partialValue
            default: throw .unsupported("a picture inside another item")
            }
            ranges.append(range)
        }
        return ranges
    }

    /// ISO/IEC 23008-12, 6.6.2.3: rows and columns, and as many pictures.
    private func checkGrid(
        _ item: HEIFItem, _ location: HEIFLocation, _ own: [Range<Int64>], _ source: SourceBytes
    ) throws(CleaningError) {
        guard own.count == 1, let range = own.first else { throw .unsupported("a grid in pieces") }
        let header = Array(try source.bytes(Int(min(4, location.bytes)), at: range.lowerBound))
        guard header.count == 4, range.count == (header[1] & 1 == 0 ? 8 : 12) else { throw .corrupt("a damaged grid") }
        let tiles = (Int(header[2]) + 1) * (Int(header[3]) + 1)
        guard tiles <= Self.tileLimit else { throw .excessive("a grid of more than \(Self.tileLimit) pictures") }
        guard partCounts[item.id] == tiles else { throw .corrupt("a grid without all of its pictures") }
    }

    /// ISO/IEC 23008-12, 6.6.2.4: the colour of the canvas, its size, and where each picture lies on it.
    private func checkOverlay(
        _ item: HEIFItem, _ location: HEIFLocation, _ own: [Range<Int64>], _ source: SourceBytes
    ) throws(CleaningError) {
        guard own.count == 1, let range = own.first, range.count >= 2 else {
            throw .unsupported("an overlay in pieces")
        }
        let parts = partCounts[item.id] ?? 0
        let width = try source.byte(at: range.lowerBound + 1) & 1 == 0 ? 2 : 4
        guard range.count == 10 + 2 * width * (parts + 1) else { throw .corrupt("a damaged overlay") }
    }
}

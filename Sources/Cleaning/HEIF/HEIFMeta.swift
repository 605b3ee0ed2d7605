/// Cleans the `meta` box of a picture in its place: the new payload is as long as the old one (ISO/IEC 14496-12,
/// 8.11.1).
///
/// | box | what stays |
/// |---|---|
/// | `hdlr` | `pict`, without a name |
/// | `pitm` | whole |
/// | `iinf` `iloc` `iref` `ipma` | entries of kept items; names become empty |
/// | `ipco` | properties of kept items: `HEIFProperty` |
/// | `idat` | bytes of kept items |
/// | `grpl` | alternatives (`altr`) of kept items |
struct HEIFMeta {
    private let reader: BoxReader
    private let source: SourceBytes
    private let data: SortedRanges
    private let rebuildProfile: ProfileRebuild

    private(set) var removed: Set<RemovedMetadata> = []
    private(set) var displayedSize: (width: Int, height: Int)?
    /// Where the bytes of kept items lie.
    private(set) var keptData = SortedRanges()
    /// Kept items made of units, and how those lie in them.
    private(set) var codedItems: [(sample: Range<Int64>, form: UnitForm)] = []

    private var selected: Set<UInt32> = []
    private var locations: [UInt32: HEIFLocation] = [:]
    private var references: [HEIFReference] = []
    private var properties = HEIFProperties()
    private var items: [(item: HEIFItem, version: UInt8)] = []

    init(_ reader: BoxReader, data: SortedRanges, rebuildProfile: @escaping ProfileRebuild) {
        self.reader = reader
        source = reader.source
        self.data = data
        self.rebuildProfile = rebuildProfile
    }

    /// The new payload.
    mutating func clean(_ box: Box) throws(CleaningError) -> CleanCopy {
        let children = try reader.children(of: box, skipping: 4)
        let handler = try reader.full(try children.required("hdlr"))
        guard handler.bodyBytes >= 8, try source.bigEndian(4, at: handler.body.lowerBound + 4) == 0x7069_6374 else {
            throw .unsupported("something else than pictures")
        }
        let primary = try self.primary(try children.required("pitm"))
        items = try HEIFTables.items(try children.required("iinf"), reader)
        let table = try HEIFTables.locations(try children.required("iloc"), reader)
        locations = table.items
        if let box = try children.one("iref") { references = try HEIFTables.references(box, reader) }
        properties = try HEIFProperties(try children.required("iprp"), reader, rebuildProfile)

        let selection = try HEIFSelection(
            items.map(\.item), primary: primary, references: references,
            auxiliaryTypes: properties.auxiliaryTypes)
        selected = selection.kept
        removed.formUnion(selection.removed)
        removed.formUnion(try properties.select(selected))
        if items.contains(where: { selected.contains($0.item.id) && $0.item.hasName }) { removed.insert(.text) }
        let storage = try children.one("idat")
        try noteExif(storage)
        let extents = try HEIFExtents(
            selected, items.map(\.item), locations, references, data: data, storage: storage
        ).checked(reader)
        keptData = extents.data
        codedItems = extents.whole.compactMap { item, range in properties.unitForm(of: item).map { (range, $0) } }
        displayedSize = try properties.displayedSize(of: primary)

        var payload = CleanCopy()
        payload.append([0, 0, 0, 0])
        var handlerEnd = 0
        for child in children {
            switch child.type {
            case "hdlr":
                payload.append(try MovieHeaders.handler(try reader.bytes(handler.body), removed: &removed))
                handlerEnd = Int(payload.size)
            case "pitm": payload.append(try pitm(child))
            case "iinf": payload.append(try informationBox(child))
            case "iloc": payload.append(locationBox(table))
            case "iref": payload.append(try referenceBox(child))
            case "iprp": payload.append(try properties.box())
            case "grpl": payload.append(try groups(child))
            case "idat" where keptData.overlap(child.payload):
                payload.append(BigEndian.bytes(UInt32(clamping: child.payloadBytes + 8)) + child.type.bytes)
                payload.append(child.payload, keeping: keptData)
            case "idat", "dinf", "free", "skip": continue
            default: FilmWords.note(child, reader, removed: &removed)
            }
        }
        return try padded(payload, to: box.payloadBytes, handlerEnd: handlerEnd)
    }

    /// Fills up what was freed: a `free` box, or zeros behind the handler's name where there is no room for one.
    private func padded(
        _ payload: CleanCopy, to size: Int64, handlerEnd: Int
    ) throws(CleaningError) -> CleanCopy {
        var left = size - payload.size
        guard left >= 0 else { throw .unsupported("a description that cannot be written in its place") }
        if left == 0 { return payload }
        var padded = payload
        guard left < 8 else {
            padded.append(free: left)
            return padded
        }
        padded = CleanCopy()
        for part in payload.parts {
            guard left > 0, case .bytes(var bytes) = part else {
                padded.append(part)
                continue
            }
            // The handler lies in the first part: nothing but new bytes comes before `idat`.
            guard handlerEnd <= bytes.count else { throw .unsupported("a description in an odd order") }
            let start = handlerEnd - 33
            bytes.insert(contentsOf: [UInt8](repeating: 0, count: Int(left)), at: handlerEnd)
            bytes.replaceSubrange(start..<start + 4, with: BigEndian.bytes(UInt32(33 + left)))
            padded.append(bytes)
            left = 0
        }
        return padded
    }

    private func primary(_ box: Box) throws(CleaningError) -> UInt32 {
        let header = try reader.full(box)
        var fields = FieldReader(try reader.bytes(header.body), of: "pitm")
        return UInt32(try fields.number(header.version == 0 ? 2 : 4))
    }

    private func pitm(_ box: Box) throws(CleaningError) -> [UInt8] {
        let header = try reader.full(box)
        let count = header.version == 0 ? 2 : 4
        return .fullBox("pitm", version: header.version, Array(try reader.bytes(header.body).prefix(count)))
    }

    private func informationBox(_ box: Box) throws(CleaningError) -> [UInt8] {
        let version = try reader.full(box).version
        let kept = items.filter { selected.contains($0.item.id) }
        let count = version == 0 ? BigEndian.bytes(UInt16(kept.count)) : BigEndian.bytes(UInt32(kept.count))
        return .fullBox("iinf", version: version, count + kept.flatMap { $0.item.entry(version: $0.version) })
    }

    private func locationBox(
        _ table: (start: [UInt8], version: UInt8, order: [UInt32], items: [UInt32: HEIFLocation])
    ) -> [UInt8] {
        let kept = table.order.filter(selected.contains)
        let count = table.version < 2 ? BigEndian.bytes(UInt16(kept.count)) : BigEndian.bytes(UInt32(kept.count))
        let entries = kept.flatMap { table.items[$0]?.entry ?? [] }
        return .fullBox("iloc", version: table.version, table.start + count + entries)
    }

    private func referenceBox(_ box: Box) throws(CleaningError) -> [UInt8] {
        let version = try reader.full(box).version
        func number(_ id: UInt32) -> [UInt8] {
            version == 0 ? BigEndian.bytes(UInt16(truncatingIfNeeded: id)) : BigEndian.bytes(id)
        }
        var kept: [UInt8] = []
        for reference in references where selected.contains(reference.from) {
            guard ["dimg", "auxl", "base", "prem"].contains(reference.type) else { continue }
            let to = reference.to.filter(selected.contains)
            if to.isEmpty { continue }
            kept += .box(
                reference.type, number(reference.from) + BigEndian.bytes(UInt16(to.count)) + to.flatMap(number))
        }
        return kept.isEmpty ? [] : .fullBox("iref", version: version, kept)
    }

    /// Groups of entities, 8.18: alternatives say which picture to show where high dynamic range can be.
    private func groups(_ box: Box) throws(CleaningError) -> [UInt8] {
        var kept: [UInt8] = []
        for child in try reader.children(of: box) where child.type == "altr" {
            var fields = FieldReader(try reader.bytes(try reader.full(child).body), of: "altr")
            let group = try fields.bytes(4)
            let count = try fields.number(4)
            guard count <= UInt64(HEIFTables.itemLimit) else {
                throw .excessive("more than \(HEIFTables.itemLimit) items")
            }
            var ids: [UInt32] = []
            for _ in 0..<count { ids.append(UInt32(try fields.number(4))) }
            ids = ids.filter(selected.contains)
            if ids.count < 2 { continue }
            kept += .fullBox("altr", group + BigEndian.bytes(UInt32(ids.count)) + ids.flatMap { BigEndian.bytes($0) })
        }
        return kept.isEmpty ? [] : .box("grpl", kept)
    }

    /// Names what Exif items told.
    private mutating func noteExif(_ storage: Box?) throws(CleaningError) {
        // Many items may lie in one place: the first ones say it.
        for (item, _) in items.lazy.filter({ $0.item.type == "Exif" }).prefix(16) {
            guard let location = locations[item.id], let extent = location.extents.first else { continue }
            let base = location.method == 1 ? storage?.payload.lowerBound ?? 0 : 0
            let start = UInt64(base).addingReportingOverflow(extent.offset)
            guard !start.overflow, start.partialValue < UInt64(source.count), extent.length > 4 else { continue }
            let count = min(extent.length, 1 << 20, UInt64(source.count) - start.partialValue)
            let bytes = try source.bytes(Int(count), at: Int64(start.partialValue))
            removed.formUnion(ExifWords.words(itemBytes: Array(bytes)))
        }
    }
}

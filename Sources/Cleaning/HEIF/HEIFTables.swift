/// Reads the tables of a `meta` box (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 9.3).
enum HEIFTables {
    static let itemLimit = 4096
    static let extentLimit = 65_536

    /// `iinf`, 8.11.6, and the version of each entry.
    static func items(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> [(item: HEIFItem, version: UInt8)] {
        let header = try reader.full(box)
        let width: Int64 = header.version == 0 ? 2 : 4
        guard header.bodyBytes >= width else { throw .corrupt("the box “iinf” is too short") }
        let entries = try reader.boxes(
            in: header.body.lowerBound + width..<header.body.upperBound, depth: box.depth + 1)
        guard try reader.source.bigEndian(Int(width), at: header.body.lowerBound) == UInt64(entries.count) else {
            throw .corrupt("it has not as many items as it says")
        }
        guard entries.count <= itemLimit else { throw .excessive("more than \(itemLimit) items") }
        var items: [(item: HEIFItem, version: UInt8)] = []
        var ids: Set<UInt32> = []
        for entry in entries {
            let header = try reader.full(entry)
            guard entry.type == "infe", header.version == 2 || header.version == 3 else {
                throw .unsupported("an item of an old kind")
            }
            var fields = FieldReader(try reader.bytes(header.body), of: "infe")
            let id = UInt32(try fields.number(header.version == 2 ? 2 : 4))
            let protection = try fields.number(2)
            let type = BoxType(code: UInt32(try fields.number(4)))
            let name = fields.text()
            let contentType = type == "mime" ? String(decoding: fields.text(), as: UTF8.self) : ""
            guard ids.insert(id).inserted else { throw .corrupt("two items have one number") }
            items.append(
                (
                    HEIFItem(
                        id: id, type: type, isHidden: header.flags & 1 != 0, hasName: !name.isEmpty,
                        isProtected: protection != 0, contentType: contentType), header.version
                ))
        }
        return items
    }

    /// `iloc`, 8.11.3: the bytes up to the count of items, and each item's place.
    static func locations(
        _ box: Box, _ reader: BoxReader
    ) throws(CleaningError) -> (start: [UInt8], version: UInt8, order: [UInt32], items: [UInt32: HEIFLocation]) {
        let header = try reader.full(box)
        let version = header.version
        guard version <= 2 else { throw .unsupported("the box “iloc” of version \(version)") }
        var fields = FieldReader(try reader.bytes(header.body), of: "iloc")
        let start = try fields.bytes(2)
        let widths = [start[0] >> 4, start[0] & 15, start[1] >> 4, version > 0 ? start[1] & 15 : 0].map { Int($0) }
        guard widths.allSatisfy({ [0, 4, 8].contains($0) }) else { throw .corrupt("the box “iloc” has odd widths") }
        let count = try fields.number(version < 2 ? 2 : 4)
        guard count <= UInt64(itemLimit) else { throw .excessive("more than \(itemLimit) items") }
        var order: [UInt32] = []
        var items: [UInt32: HEIFLocation] = [:]
        var extentsLeft = extentLimit
        for _ in 0..<count {
            let idWidth = version < 2 ? 2 : 4
            let id = UInt32(try fields.number(idWidth))
            let method = version > 0 ? try fields.number(2) & 15 : 0
            let dataReference = try fields.number(2)
            let base = try fields.number(widths[2])
            let extentCount = Int(try fields.number(2))
            extentsLeft -= extentCount
            guard extentsLeft >= 0 else { throw .excessive("more than \(extentLimit) extents") }
            var extents: [HEIFLocation.Extent] = []
            for _ in 0..<extentCount {
                try fields.skip(widths[3])
                let offset = base.addingReportingOverflow(try fields.number(widths[0]))
                guard !offset.overflow else { throw .truncated }
                extents.append(.init(offset: offset.partialValue, length: try fields.number(widths[1])))
            }
            var entry = number(UInt64(id), idWidth) + (version > 0 ? [0, UInt8(method)] : [])
            entry += number(dataReference, 2)
            // One way to write a place: from the start, where that fits, and without the number of an extent.
            let fits = widths[0] == 8 || widths[0] == 4 && extents.allSatisfy { $0.offset <= UInt64(UInt32.max) }
            entry += number(fits ? 0 : base, widths[2]) + number(UInt64(extentCount), 2)
            for extent in extents {
                entry += number(0, widths[3]) + number(extent.offset - (fits ? 0 : base), widths[0])
                entry += number(extent.length, widths[1])
            }
            let location = HEIFLocation(
                method: method, dataReference: dataReference, extents: extents, entry: entry)
            guard items.updateValue(location, forKey: id) == nil else { throw .corrupt("an item lies in two places") }
            order.append(id)
        }
        return (start, version, order, items)
    }

    /// The lowest `count` bytes of a number.
    private static func number(_ number: UInt64, _ count: Int) -> [UInt8] { BigEndian.bytes(number).suffix(count) }

    /// `iref`, 8.11.12.
    static func references(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> [HEIFReference] {
        let header = try reader.full(box)
        let width = header.version == 0 ? 2 : 4
        var references: [HEIFReference] = []
        var left = extentLimit
        for child in try reader.boxes(in: header.body, depth: box.depth + 1) {
            var fields = FieldReader(try reader.bytes(child.payload), of: child.type.description)
            let from = UInt32(try fields.number(width))
            let count = Int(try fields.number(2))
            left -= count
            guard left >= 0 else { throw .excessive("more than \(extentLimit) references") }
            var to: [UInt32] = []
            for _ in 0..<count { to.append(UInt32(try fields.number(width))) }
            guard references.count < 2 * itemLimit else { throw .excessive("more than \(2 * itemLimit) references") }
            references.append(HEIFReference(type: child.type, from: from, to: to))
        }
        return references
    }

    /// The entries of one `ipma`, ISO/IEC 23008-12, 9.3.1.
    static func associations(
        _ box: Box, _ reader: BoxReader
    ) throws(CleaningError) -> (header: FullBox, entries: [(id: UInt32, associations: [HEIFAssociation])]) {
        let header = try reader.full(box)
        var fields = FieldReader(try reader.bytes(header.body), of: "ipma")
        let count = try fields.number(4)
        guard count <= UInt64(itemLimit) else { throw .excessive("more than \(itemLimit) items") }
        let width = header.flags & 1 == 0 ? 1 : 2
        var entries: [(id: UInt32, associations: [HEIFAssociation])] = []
        for _ in 0..<count {
            let id = UInt32(try fields.number(header.version < 1 ? 2 : 4))
            var associations: [HEIFAssociation] = []
            for _ in 0..<(try fields.number(1)) {
                let number = Int(try fields.number(width))
                let essential = 1 << (8 * width - 1)
                associations.append(
                    HEIFAssociation(isEssential: number & essential != 0, index: number & (essential - 1)))
            }
            entries.append((id, associations))
        }
        return (header, entries)
    }
}

/// The properties of a picture's items, and which item has which (`iprp`: ISO/IEC 23008-12, 9.3).
struct HEIFProperties {
    static let limit = 4096
    /// Of those that describe colours: a profile takes its time.
    private static let colourLimit = 64

    private var properties: [HEIFProperty] = []
    private var tables: [(header: FullBox, entries: [(id: UInt32, associations: [HEIFAssociation])])] = []
    private var associations: [UInt32: [HEIFAssociation]] = [:]
    private var kept: Set<UInt32> = []
    /// The new place of each property that stays, from 1 on.
    private var places: [Int: Int] = [:]

    init() {}

    init(_ box: Box, _ reader: BoxReader, _ rebuildProfile: ProfileRebuild) throws(CleaningError) {
        let children = try reader.children(of: box)
        let boxes = try reader.children(of: try children.required("ipco"))
        guard boxes.count <= Self.limit else { throw .excessive("more than \(Self.limit) properties") }
        guard boxes.count(where: { $0.type == "colr" }) <= Self.colourLimit else {
            throw .excessive("more than \(Self.colourLimit) descriptions of colours")
        }
        for property in boxes {
            properties.append(try HEIFProperty(property, reader, rebuildProfile: rebuildProfile))
        }
        for child in children where child.type == "ipma" {
            guard tables.count < 16 else { throw .excessive("more than 16 tables of properties") }
            let table = try HEIFTables.associations(child, reader)
            for entry in table.entries {
                guard associations.updateValue(entry.associations, forKey: entry.id) == nil else {
                    throw .corrupt("an item has two lists of properties")
                }
                guard entry.associations.allSatisfy({ $0.index <= properties.count }) else {
                    throw .corrupt("an item has a property that is not there")
                }
            }
            tables.append(table)
        }
    }

    /// The names of auxiliary pictures.
    var auxiliaryTypes: [UInt32: String] {
        var types: [UInt32: String] = [:]
        for entry in tables.flatMap(\.entries) {
            for association in entry.associations where association.index > 0 {
                if let type = properties[association.index - 1].auxiliaryType { types[entry.id] = type }
            }
        }
        return types
    }

    /// Keeps what these items have; gives the words for what goes. An item that cannot be shown without a property that
    /// is not understood is an error.
    mutating func select(_ items: Set<UInt32>) throws(CleaningError) -> Set<RemovedMetadata> {
        kept = items
        var used: Set<Int> = []
        var words: Set<RemovedMetadata> = []
        for entry in tables.flatMap(\.entries) where items.contains(entry.id) {
            for association in entry.associations where association.index > 0 {
                let property = properties[association.index - 1]
                guard property.box != nil || !association.isEssential || property.type == "colr" else {
                    throw .unsupported("a picture that needs the property “\(property.type)”")
                }
                used.insert(association.index)
            }
        }
        for (offset, property) in properties.enumerated() {
            if used.contains(offset + 1) {
                words.formUnion(property.words)
                if property.box != nil { places[offset + 1] = places.count + 1 }
            } else if property.box == nil {
                words.formUnion(property.words.subtracting([.icc, .profile]))
            }
        }
        return words
    }

    /// The new `iprp`.
    func box() throws(CleaningError) -> [UInt8] {
        var container: [UInt8] = []
        for (offset, property) in properties.enumerated() where places[offset + 1] != nil {
            container += property.box ?? []
        }
        var boxes: [UInt8] = .box("ipco", container)
        for table in tables {
            let entries = table.entries.filter { kept.contains($0.id) }
            boxes += .fullBox(
                "ipma", version: table.header.version, flags: table.header.flags & 1,
                BigEndian.bytes(UInt32(entries.count))
                    + entries.flatMap { encoded($0.id, $0.associations, table.header) })
        }
        return .box("iprp", boxes)
    }

    private func encoded(_ id: UInt32, _ associations: [HEIFAssociation], _ header: FullBox) -> [UInt8] {
        let isWide = header.flags & 1 != 0
        let numbers = associations.compactMap { association -> [UInt8]? in
            guard let place = places[association.index] else { return nil }
            return isWide
                ? BigEndian.bytes(UInt16(association.isEssential ? 0x8000 : 0) | UInt16(place))
                : [(association.isEssential ? 0x80 : 0) | UInt8(place)]
        }
        let number = header.version < 1 ? BigEndian.bytes(UInt16(truncatingIfNeeded: id)) : BigEndian.bytes(id)
        return number + [UInt8(numbers.count)] + numbers.flatMap { $0 }
    }

    /// How units lie in an item, by its `hvcC`.
    func unitForm(of item: UInt32) -> UnitForm? {
        associations[item]?.lazy.filter { $0.index > 0 }.map { properties[$0.index - 1] }
            .first { $0.type == "hvcC" }.flatMap { UnitForm("hvcC", Array(($0.box ?? []).dropFirst(8))) }
    }

    /// Pixels as displayed: `ispe`, then `clap`, `irot` and `imir` in the item's order.
    func displayedSize(of item: UInt32) throws(CleaningError) -> (width: Int, height: Int) {
        let own = (associations[item] ?? []).filter { $0.index > 0 }.map { properties[$0.index - 1] }
        guard var size = own.lazy.compactMap(\.size).first, size.width > 0, size.height > 0 else {
            throw .corrupt("its first picture has no size")
        }
        guard size.width <= HEIF.pixelLimit / size.height else { throw .excessive("more than 100 million pixels") }
        for property in own {
            guard let bytes = property.box else { continue }
            switch property.type {
            case "irot" where bytes[8] & 1 == 1: size = (size.height, size.width)
            case "clap":
                let numbers = (0..<4).map { Double(BigEndian.number(bytes, at: 8 + 4 * $0, 4)) }
                let (width, height) = ((numbers[0] / numbers[1]).rounded(), (numbers[2] / numbers[3]).rounded())
                guard width >= 1, height >= 1, width <= Double(size.width), height <= Double(size.height) else {
                    throw .corrupt("its first picture is cut to nothing")
                }
                size = (Int(width), Int(height))
            default: continue
            }
        }
        return size
    }
}

@testable import Cleaning

/// A HEIF file made byte by byte.
struct HEIFFixture {
    struct Item {
        var id: UInt16
        var type: BoxType
        var name = "PlantedName"
        /// Behind the name, as `mime` items have it.
        var more: [UInt8] = []
        var data: [UInt8]
        /// Whether its bytes lie in `idat`.
        var isStored = false
        /// From 1 on; negative: cannot be shown without.
        var properties: [Int] = []
        var isHidden = false
    }

    var brands: [BoxType] = ["heic", "mif1", "heic", "CAMX"]
    var primary: UInt16 = 1
    var items: [Item] = [HEIFFixture.picture(1, .text("picture-1"))]
    var properties: [[UInt8]] = [HEIFFixture.extent(640, 480), HEIFFixture.settings]
    var references: [(type: BoxType, from: UInt16, to: [UInt16])] = []
    var metaExtra: [UInt8] = []
    var handlerName = "PlantedHandler"
    var before: [UInt8] = []
    var after: [UInt8] = []
    /// What lies between items in `mdat`.
    var gap: [UInt8] = []

    static func picture(_ id: UInt16, _ data: [UInt8], properties: [Int] = [1, -2]) -> Item {
        Item(id: id, type: "hvc1", data: data, properties: properties)
    }

    static func extent(_ width: UInt32, _ height: UInt32) -> [UInt8] {
        .fullBox("ispe", BigEndian.bytes(width) + BigEndian.bytes(height))
    }

    static let settings: [UInt8] = .box(
        "hvcC", [UInt8](repeating: 1, count: 22) + [1, 0xA1, 0, 1, 0, 3, 0x42, 1, 7])

    static func auxiliary(_ type: String) -> [UInt8] { .fullBox("auxC", .text(type) + [0]) }

    var bytes: [UInt8] {
        let fileType = [UInt8].box(
            "ftyp", brands[0].bytes + [0, 0, 0, 0] + brands.dropFirst().flatMap(\.bytes))
        let start = fileType.count + meta(start: 0).count + before.count + 8
        let data = items.filter { !$0.isStored }.flatMap { $0.data + gap }
        return fileType + meta(start: start) + before + .box("mdat", data) + after
    }

    private func meta(start: Int) -> [UInt8] {
        var locations: [UInt8] = [0x44, 0] + BigEndian.bytes(UInt16(items.count))
        var (inFile, inStorage) = (start, 0)
        for item in items {
            let place = item.isStored ? inStorage : inFile
            locations +=
                BigEndian.bytes(item.id) + [0, item.isStored ? 1 : 0, 0, 0, 0, 1] + BigEndian.bytes(UInt32(place))
            locations += BigEndian.bytes(UInt32(item.data.count))
            if item.isStored { inStorage += item.data.count } else { inFile += item.data.count + gap.count }
        }
        let entries = items.flatMap { item in
            [UInt8].fullBox(
                "infe", version: 2, flags: item.isHidden ? 1 : 0,
                BigEndian.bytes(item.id) + [0, 0] + item.type.bytes + .text(item.name) + [0] + item.more)
        }
        let associations = items.flatMap { item in
            BigEndian.bytes(item.id) + [UInt8(item.properties.count)]
                + item.properties.map { $0 < 0 ? 0x80 | UInt8(-$0) : UInt8($0) }
        }
        let references = references.flatMap { reference in
            [UInt8].box(
                reference.type,
                BigEndian.bytes(reference.from) + BigEndian.bytes(UInt16(reference.to.count))
                    + reference.to.flatMap { BigEndian.bytes($0) })
        }
        let storage = items.filter(\.isStored).flatMap(\.data)
        var boxes: [UInt8] = .fullBox(
            "hdlr", [0, 0, 0, 0] + .text("pict") + [UInt8](repeating: 0, count: 12) + .text(handlerName) + [0])
        boxes += .fullBox("pitm", BigEndian.bytes(primary))
        boxes += .fullBox("iinf", BigEndian.bytes(UInt16(items.count)) + entries)
        boxes += .fullBox("iloc", version: 1, locations)
        boxes += references.isEmpty ? [] : .fullBox("iref", references)
        boxes += .box(
            "iprp",
            .box("ipco", properties.flatMap { $0 })
                + .fullBox("ipma", BigEndian.bytes(UInt32(items.count)) + associations))
        boxes += storage.isEmpty ? [] : .box("idat", storage)
        return .fullBox("meta", boxes + metaExtra)
    }

    /// An item of Exif with GPS, maker and time.
    static func exif(_ id: UInt16) -> Item {
        func entry(_ tag: UInt16, _ type: UInt8, _ count: UInt8, _ value: UInt8) -> [UInt8] {
            BigEndian.bytes(tag) + [0, type, 0, 0, 0, count, 0, 0, 0, value]
        }
        let entries =
            entry(0x010F, 2, 8, 62) + entry(0x0131, 2, 8, 62) + entry(0x8825, 4, 1, 62) + entry(0x0132, 2, 8, 62)
        let tiff = .text("MM") + [0, 42, 0, 0, 0, 8, 0, 4] + entries + [0, 0, 0, 0] + .text("SN123456 52.5200")
        return Item(id: id, type: "Exif", data: [0, 0, 0, 6] + .text("Exif") + [0, 0] + tiff)
    }
}

import Files
import Testing

@testable import Cleaning

/// Bytes that no decoder needs, in boxes that stay and beside them.
@Suite struct HEIFHidingPlaceTests {
    private static let word = "HiddenWord"
    private static var hidden: [UInt8] { .text(word) }

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    /// Adds a property to the first picture.
    private static func property(_ box: [UInt8]) -> @Sendable (inout HEIFFixture) -> Void {
        { picture in
            picture.properties.append(box)
            picture.items[0].properties.append(picture.properties.count)
        }
    }

    private static let places: [(name: String, hide: @Sendable (inout HEIFFixture) -> Void)] = [
        ("a box of a maker", { $0.metaExtra = .box("uuid", hidden + hidden) }),
        ("XML", { $0.metaExtra = .fullBox("xml ", hidden) }),
        ("groups of its own", { $0.metaExtra = .box("grpl", .fullBox("hidd", hidden)) }),
        ("references to files", { $0.metaExtra = .box("dinf", .fullBox("dref", hidden)) }),
        ("behind an item's name", { $0.items[0].more = hidden }),
        ("an item of a maker", { $0.items.append(HEIFFixture.Item(id: 2, type: "hidd", data: hidden)) }),
        (
            "an item of a maker, stored",
            { $0.items.append(HEIFFixture.Item(id: 2, type: "uri ", data: hidden, isStored: true)) }
        ),
        ("a property that nothing has", { $0.properties.append(.fullBox("udes", hidden)) }),
        ("a property of a maker", property(.box("uuid", hidden + hidden))),
        ("a description", property(.fullBox("udes", hidden))),
        ("a time", property(.fullBox("crtt", hidden))),
        ("behind a turn", property(.box("irot", [1] + hidden))),
        ("behind a shape", property(.box("pasp", zeros(8) + hidden))),
        ("behind bits", property(.fullBox("pixi", [1, 8] + hidden))),
        ("behind colours", property(.box("colr", .text("nclx") + zeros(7) + hidden))),
        ("a colour profile", property(.box("colr", .text("prof") + hidden))),
        (
            "the name of an auxiliary picture beside that of alpha",
            { picture in
                picture.properties += [
                    HEIFFixture.auxiliary("urn:\(word)"), HEIFFixture.auxiliary("urn:mpeg:hevc:2015:auxid:1"),
                ]
                picture.items.append(HEIFFixture.picture(2, .text("alpha"), properties: [1, -2, 3, 4]))
                picture.references = [("auxl", 2, [1])]
            }
        ),
        (
            "behind the name of alpha",
            { picture in
                picture.properties.append(HEIFFixture.auxiliary("urn:mpeg:hevc:2015:auxid:1") + [])
                picture.properties[2] = .fullBox("auxC", .text("urn:mpeg:hevc:2015:auxid:1") + [0] + hidden)
                picture.items.append(HEIFFixture.picture(2, .text("alpha"), properties: [1, -2, -3]))
                picture.references = [("auxl", 2, [1])]
            }
        ),
        ("between items", { $0.gap = hidden }),
        ("in front of the data", { $0.before = .box("skip", hidden) }),
        ("behind the data", { $0.after = .box("sefd", hidden) + .text(word) }),
        ("a second box of data", { $0.after = .box("mdat", hidden) }),
        ("brands", { $0.brands.append("Hidd") }),
    ]

    @Test(arguments: places.indices) func `nothing stays hidden`(index: Int) throws {
        let (name, hide) = Self.places[index]
        let folder = try TestFolder()
        var picture = HEIFFixture()
        hide(&picture)
        #expect(picture.bytes.contains("Hidd"), "\(name): the word is there")
        let clean: (SourceBytes) throws -> CleanedFile = { try HEIF.clean($0) { _ in (nil, [.icc]) } }
        let cleaned = try CleanedBytes(picture.bytes, in: folder, clean)
        #expect(!cleaned.contains("Hidd") && !cleaned.contains("Word"), "\(name)")
        #expect(cleaned.contains("picture-1"), "\(name)")
        let again = try CleanedBytes(cleaned.bytes, in: folder, clean)
        #expect(again.bytes == cleaned.bytes && again.file.removed.isEmpty, "\(name): \(again.file.removed)")
    }

    @Test func `bits that mean nothing become 0`() throws {
        let folder = try TestFolder()
        var picture = HEIFFixture()
        picture.properties += [.box("irot", [0xFD]), .box("imir", [0xFF])]
        picture.items[0].properties += [-3, -4]
        var bytes = picture.bytes
        let table = try #require(bytes.position(of: .text("iloc")))
        bytes[table + 14] = 0xAB
        bytes[table + 15] = 0xC0
        let cleaned = try CleanedBytes(bytes, in: folder) { try HEIF.clean($0) { _ in (nil, []) } }
        #expect(
            cleaned.bytes.position(of: .box("irot", [1])) != nil && cleaned.bytes.position(of: .box("imir", [1])) != nil
        )
        #expect(!cleaned.bytes.contains(0xAB))
    }

    @Test(
        arguments: [
            ("iovl", [UInt8](repeating: 0, count: 2 + 8 + 4 + 4 + 1), CleaningError.corrupt("a damaged overlay")),
            ("tmap", [UInt8](repeating: 0, count: 143), .unsupported("a long “tmap”")),
            ("iden", [1], .corrupt("a picture that is another's has bytes of its own")),
        ] as [(BoxType, [UInt8], CleaningError)]) func `a derived picture is as long as it should be`(
            type: BoxType, data: [UInt8], error: CleaningError
        ) throws
    {
        let folder = try TestFolder()
        var picture = HEIFFixture()
        picture.items.append(HEIFFixture.Item(id: 2, type: type, data: data, properties: [1]))
        picture.references = [("dimg", 2, [1])]
        #expect(throws: error) {
            try CleanedBytes(picture.bytes, in: folder) { try HEIF.clean($0) { _ in (nil, []) } }
        }
        guard type == "iovl" else { return }
        picture.items[1].data.removeLast()
        let cleaned = try CleanedBytes(picture.bytes, in: folder) { try HEIF.clean($0) { _ in (nil, []) } }
        #expect(cleaned.contains("iovl"))
    }
}

import Files
import Testing

@testable import Cleaning

@Suite struct HEIFTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private static func clean(_ source: SourceBytes) throws -> CleanedFile {
        try HEIF.clean(source) { profile in
            // Stands for the rebuilding of profiles: what is rebuilt stays as it is.
            if profile.starts(with: "rebuilt".utf8) { return (profile, []) }
            return profile.contains("Planted") ? (.text("rebuilt"), [.profile]) : (nil, [.icc])
        }
    }

    private func clean(_ picture: HEIFFixture) throws -> CleanedBytes {
        let bytes = picture.bytes
        let cleaned = try CleanedBytes(bytes, in: folder, Self.clean)
        let again = try CleanedBytes(cleaned.bytes, in: folder, Self.clean)
        #expect(again.bytes == cleaned.bytes && again.file.removed.isEmpty, "\(again.file.removed)")
        return cleaned
    }

    /// A picture with all that phones put beside it.
    private static var full: HEIFFixture {
        var picture = HEIFFixture()
        picture.properties += [
            HEIFFixture.extent(160, 120), HEIFFixture.auxiliary("urn:com:apple:photo:2018:aux:portraiteffectsmatte"),
            HEIFFixture.auxiliary("urn:mpeg:hevc:2015:auxid:1"),
            .box("colr", .text("prof") + .text("Planted SN123456 profile")),
            .fullBox("udes", .text("PlantedTitle\u{0}")),
            HEIFFixture.auxiliary("urn:com:apple:photo:2020:aux:hdrgainmap"),
        ]
        picture.items = [
            HEIFFixture.picture(1, .text("picture-1"), properties: [1, -2, 6, 7]),
            HEIFFixture.picture(2, .text("PlantedThumbnail"), properties: [3, -2]), HEIFFixture.exif(3),
            HEIFFixture.Item(
                id: 4, type: "mime", more: .text("application/rdf+xml\u{0}\u{0}"), data: .text("PlantedXMP")),
            HEIFFixture.picture(5, .text("PlantedMatte"), properties: [3, -2, 4]),
            HEIFFixture.picture(6, .text("alpha-map"), properties: [1, -2, -5]),
            HEIFFixture.picture(7, .text("gain-map"), properties: [3, -2, 8]),
        ]
        picture.references = [
            ("thmb", 2, [1]), ("cdsc", 3, [1]), ("cdsc", 4, [1]), ("auxl", 5, [1]), ("auxl", 6, [1]), ("auxl", 7, [1]),
        ]
        picture.metaExtra = .box("uuid", [UInt8](repeating: 3, count: 16) + .text("SN123456"))
        picture.gap = .text("PlantedGap")
        picture.before = .box("free", .text("PlantedFree"))
        picture.after = .box("mpvd", .text("PlantedFilm"))
        return picture
    }

    private static let planted = [
        "52.5200", "SN123456", "PlantedName", "PlantedHandler", "PlantedThumbnail", "PlantedXMP", "PlantedMatte",
        "PlantedTitle",
        "PlantedFree", "PlantedFilm", "CAMX",
    ]

    @Test func `everything beside the picture goes, and no byte of it moves`() throws {
        let picture = Self.full
        let original = picture.bytes
        let cleaned = try clean(picture)
        for word in Self.planted + ["PlantedGap"] { #expect(!cleaned.contains(word), "\(word)") }
        for word in ["picture-1", "alpha-map", "gain-map", "rebuilt"] {
            #expect(cleaned.contains(word), "\(word)")
            if word != "rebuilt" {
                #expect(cleaned.bytes.position(of: .text(word)) == original.position(of: .text(word)))
            }
        }
        #expect(cleaned.bytes.count < original.count, "what follows the data is cut off")
        #expect(
            cleaned.file.removed == [
                .gps, .camera, .thumbnail, .exif, .xmp, .trailing, .text, .time, .encoder, .profile, .depth, .other,
            ])
        #expect(cleaned.file.size?.width == 640 && cleaned.file.size?.height == 480)
    }

    @Test(arguments: 0...24) func `what is freed is filled, whatever its length`(length: Int) throws {
        var picture = HEIFFixture()
        picture.items[0].name = ""
        picture.handlerName = String(repeating: "x", count: length)
        let cleaned = try clean(picture)
        #expect(cleaned.bytes.count == picture.bytes.count)
        #expect(cleaned.bytes.ends(with: .text("picture-1")))
        #expect(!cleaned.contains("xx"))
    }

    @Test func `a grid keeps its parts, wherever its description lies`() throws {
        var picture = HEIFFixture()
        picture.properties.append(HEIFFixture.extent(320, 480))
        picture.items = [
            HEIFFixture.Item(id: 1, type: "grid", data: [0, 0, 0, 1, 2, 128, 1, 224], isStored: true, properties: [1]),
            HEIFFixture.picture(2, .text("tile-1"), properties: [3, -2]),
            HEIFFixture.picture(3, .text("tile-2"), properties: [3, -2]),
            HEIFFixture.Item(id: 4, type: "mime", data: .text("PlantedStored"), isStored: true),
            HEIFFixture.Item(
                id: 5, type: "grid", data: [0, 0, 0, 0, 2, 128, 1, 224], isStored: true, properties: [1, 4]),
            HEIFFixture.picture(6, .text("PlantedTile"), properties: [3, -2]),
        ]
        picture.properties.append(HEIFFixture.auxiliary("urn:mpeg:hevc:2015:auxid:2"))
        picture.references = [("dimg", 1, [2, 3]), ("dimg", 5, [6]), ("auxl", 5, [1])]
        let cleaned = try clean(picture)
        #expect(
            cleaned.contains("tile-1tile-2") && !cleaned.contains("PlantedTile") && !cleaned.contains("PlantedStored"))
        #expect(cleaned.contains("idat") && cleaned.file.removed.contains(.depth))
    }

    @Test func `bytes that a kept picture shares stay`() throws {
        var picture = HEIFFixture()
        picture.items = [HEIFFixture.picture(1, .text("picture-1")), HEIFFixture.exif(2)]
        var bytes = picture.bytes
        // The Exif item lies where the picture does.
        let table = try #require(bytes.position(of: .text("iloc")))
        let (first, second) = (table + 20, table + 20 + 16)
        bytes.replaceSubrange(second..<second + 4, with: bytes[first..<first + 4])
        let cleaned = try CleanedBytes(bytes, in: folder, Self.clean)
        #expect(cleaned.contains("picture-1") && !cleaned.contains("52.5200"))
    }

    @Test(
        arguments: [
            ([.box("irot", [1])], 480, 640), ([.box("irot", [2])], 640, 480), ([.box("imir", [1])], 640, 480),
            (
                [
                    .box(
                        "clap", [0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 100, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 16)),
                    .box("irot", [3]),
                ], 100, 256
            ),
        ] as [([[UInt8]], Int, Int)]) func `sizes are told as displayed`(properties: [[UInt8]], width: Int, height: Int)
        throws
    {
        var picture = HEIFFixture()
        picture.properties += properties
        picture.items[0].properties += properties.indices.map { -($0 + 3) }
        let cleaned = try clean(picture)
        #expect(cleaned.file.size?.width == width && cleaned.file.size?.height == height)
    }

    private static let refused: [(CleaningError, @Sendable (inout HEIFFixture) -> Void)] = [
        (.unsupported("a sequence in fragments"), { $0.after = .box("moof", []) }),
        (.unsupported("a picture of the kind “mime”"), { $0.items[0].type = "mime" }),
        (
            .unsupported("a picture that needs the property “xxxx”"),
            {
                $0.properties.append(.box("xxxx", []))
                $0.items[0].properties.append(-3)
            }
        ),
        (.corrupt("its first picture is not there"), { $0.primary = 9 }),
        (.corrupt("its first picture has no size"), { $0.items[0].properties = [-2] }),
        (.excessive("more than 100 million pixels"), { $0.properties[0] = HEIFFixture.extent(10_001, 10_000) }),
        (.unsupported("a picture that does not say how long it is"), { $0.items[0].data = [] }),
        (.corrupt("two items have one number"), { $0.items.append($0.items[0]) }),
        (.corrupt("an item has a property that is not there"), { $0.items[0].properties.append(9) }),
        (.corrupt("it has more than one box “hdlr”"), { $0.metaExtra = .fullBox("hdlr", []) }),
        (
            .corrupt("a grid without all of its pictures"),
            {
                $0.items[0] = HEIFFixture.Item(id: 1, type: "grid", data: [0, 0, 1, 1, 0, 1, 0, 1], properties: [1])
            }
        ),
        (
            .unsupported("a picture of the kind “jpeg”"),
            {
                $0.items[0] = HEIFFixture.Item(
                    id: 1, type: "jpeg", data: [0xFF, 0xD8, 0xFF, 0xE1, 0, 10] + .text("SN123456"), properties: [1])
            }
        ),
        (
            .unsupported("a picture that is made of something else than pictures"),
            {
                $0.items.append(HEIFFixture.exif(2))
                $0.references = [("dimg", 1, [2])]
            }
        ),
        (
            .excessive("more than 4096 properties"),
            {
                $0.properties += [[UInt8]](repeating: HEIFFixture.extent(1, 1), count: 4096)
            }
        ),
        (
            .excessive("more than 4096 items"),
            { picture in
                picture.items += (2...4097).map { HEIFFixture.picture($0, [1], properties: []) }
            }
        ),
    ]

    @Test(arguments: refused.indices) func `what is not understood is refused`(index: Int) throws {
        let (error, change) = Self.refused[index]
        var picture = HEIFFixture()
        change(&picture)
        #expect(throws: error) { try clean(picture) }
    }

    @Test func `damage is refused or cleaned`() throws {
        var picture = Self.full
        // A changed table may make a picture of what was beside it: nothing planted lies in the data.
        picture.items.remove(at: 2)
        picture.items[1].data = .text("thumbnail")
        picture.gap = []
        try expectSafe(
            picture.bytes, planted: ["SN123456", "PlantedFree", "PlantedFilm"], changes: 2000, clean: Self.clean)
    }
}

import Testing

@testable import Cleaning

/// Entries of sample tables that no sample is left for, and members of HEIF's tables that mean nothing.
@Suite struct TableEntryTests {
    private static let hidden: [UInt8] = .text("Hidd")

    private static func words(_ numbers: UInt32...) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in numbers { bytes += BigEndian.bytes(number) }
        return bytes
    }

    /// A table, what is in it, and what stays of that.
    struct TableCase: Sendable, CustomTestStringConvertible {
        let type: BoxType
        let entries: [UInt8]
        let kept: [UInt8]

        init(_ type: BoxType, _ entries: [UInt8], _ kept: [UInt8]) {
            (self.type, self.entries, self.kept) = (type, entries, kept)
        }

        var testDescription: String { "\(type) \(entries)" }
    }

    /// “Hidd”.
    private static let telling: UInt32 = 0x4869_6464
    private static let needed: [TableCase] = [
        TableCase("stts", words(4, 1, 20, 0, telling, 2, 20, 5, telling), words(2, 1, 20, 2, 20)),
        TableCase("stts", words(1, telling, 20), words(1, 3, 20)),
        TableCase("stsc", words(4, 1, 2, 1, 2, telling, 1, 2, 1, 1, 3, telling, 1), words(2, 1, 2, 1, 2, 1, 1)),
        TableCase("stsc", words(3, 1, 2, 1, 2, 1, 1, 1, telling, 1), words(2, 1, 2, 1, 2, 1, 1)),
    ]
    private static let possible: [TableCase] = [
        TableCase("ctts", words(3, 3, 5, 0, telling, 9, telling), words(1, 3, 5)),
        TableCase("stss", words(5, 1, telling, 1, 3, 2), words(2, 1, 3)),
        TableCase("sbgp", .text("rap ") + words(3, 1, 1, 2, telling, 7, 1), .text("rap ") + words(2, 1, 1, 2, 0)),
    ]
    private static let edits: [TableCase] = [
        TableCase(
            "elst", words(3, 600, 0, 0x10000, 0, telling, 0x10000, 600, 9, 0x10000),
            words(2, 600, 0, 0x10000, 600, 9, 0x10000)),
        TableCase("elst", words(1, 0, 5, 0x10000), words(1, 0, 5, 0x10000)),
        TableCase("elst", words(2, 600, 0, 0x10000, 0, 5, 0x10000), words(2, 600, 0, 0x10000, 0, 5, 0x10000)),
    ]

    /// The film of three samples in two chunks, with another table in the place of one of its own.
    private func film(_ type: BoxType, _ table: [UInt8]) throws -> [UInt8] {
        var film = FilmFixture().bytes
        let start = try #require(film.position(of: type.bytes)) - 4
        let count = Int(BigEndian.number(film, at: start, 4))
        let old = Array(film[start..<start + count])
        // Behind the data, so that no offset changes; what holds it grows.
        let grown = table.count - old.count
        for holder in ["moov", "trak", "mdia", "minf", "stbl"] as [BoxType] {
            let place = try #require(film.position(of: holder.bytes)) - 4
            let size = Int(BigEndian.number(film, at: place, 4)) + grown
            film.replaceSubrange(place..<place + 4, with: BigEndian.bytes(UInt32(size)))
        }
        film.replaceSubrange(start..<start + count, with: table)
        return film
    }

    @Test(arguments: needed) func `entries without a sample go`(row: TableCase) throws {
        let folder = try TestFolder()
        let film = try film(row.type, .fullBox(row.type, row.entries))
        let cleaned = try CleanedBytes(film, in: folder, Film.clean)
        #expect(!cleaned.bytes.contains("Hidd"))
        #expect(cleaned.bytes.position(of: .fullBox(row.type, row.kept)) != nil)
        #expect(cleaned.bytes.ends(with: .text("frame-1frame-2frame-3")))
        #expect(try CleanedBytes(cleaned.bytes, in: folder, Film.clean).bytes == cleaned.bytes)
    }

    @Test func `chunks without a sample go`() throws {
        let folder = try TestFolder()
        let own = FilmFixture().bytes
        let place = try #require(own.position(of: .text("stco")))
        let offsets = Array(own[place + 12..<place + 20])
        let film = try film("stco", .fullBox("stco", Self.words(4) + offsets + Self.hidden + Self.hidden))
        let cleaned = try CleanedBytes(film, in: folder, Film.clean)
        #expect(cleaned.bytes == (try CleanedBytes(own, in: folder, Film.clean)).bytes)
    }

    @Test(arguments: possible) func `so do those of tables that a film may have`(row: TableCase) throws {
        let folder = try TestFolder()
        var film = FilmFixture()
        film.tracks[0].tableExtra = .fullBox(row.type, row.entries)
        let cleaned = try CleanedBytes(film.bytes, in: folder, Film.clean)
        #expect(!cleaned.bytes.contains("Hidd") && cleaned.bytes.position(of: .fullBox(row.type, row.kept)) != nil)
        #expect(try CleanedBytes(cleaned.bytes, in: folder, Film.clean).bytes == cleaned.bytes)
    }

    @Test(arguments: edits) func `edits stay that last, and the last one`(row: TableCase) throws {
        let folder = try TestFolder()
        var film = FilmFixture()
        film.tracks[0].extra = .box("edts", .fullBox("elst", row.entries))
        let cleaned = try CleanedBytes(film.bytes, in: folder, Film.clean)
        #expect(cleaned.bytes.position(of: .box("edts", .fullBox("elst", row.kept))) != nil)
        #expect(try CleanedBytes(cleaned.bytes, in: folder, Film.clean).bytes == cleaned.bytes)
    }

    // MARK: HEIF

    private static let clean: @Sendable (SourceBytes) throws -> CleanedFile = { try HEIF.clean($0) { _ in (nil, []) } }

    @Test(arguments: [[4, 8, 8, 8, 8], [3, 8, 8, 33], [5, 8, 8, 8, 8, 8]] as [[UInt8]])
    func `channels of a picture are few, and of few bits`(channels: [UInt8]) throws {
        var picture = HEIFFixture()
        picture.properties.append(.fullBox("pixi", channels))
        picture.items[0].properties.append(3)
        let folder = try TestFolder()
        if channels[0] == 4 {
            #expect(
                try CleanedBytes(picture.bytes, in: folder, Self.clean).bytes.position(of: .fullBox("pixi", channels))
                    != nil)
        } else {
            #expect(throws: CleaningError.unsupported("a picture of odd channels")) {
                try CleanedBytes(picture.bytes, in: folder, Self.clean)
            }
        }
    }

    @Test func `places are written in one way`() throws {
        // Eight bytes for each number, and for one that nobody looks at; the base is a part of the offset.
        var bytes = HEIFFixture().bytes
        let name = try #require(bytes.position(of: .text("iloc")))
        let count = Int(BigEndian.number(bytes, at: name - 4, 4))
        let offset = UInt64(BigEndian.number(bytes, at: name + 20, 4))
        let length = UInt64(BigEndian.number(bytes, at: name + 24, 4))
        let grown = 28 + 8 + 8
        func table(_ base: UInt64, _ index: [UInt8], _ offset: UInt64) -> [UInt8] {
            .fullBox(
                "iloc", version: 1,
                [0x88, 0x88, 0, 1, 0, 1, 0, 0, 0, 0] + BigEndian.bytes(base) + [0, 1] + index
                    + BigEndian.bytes(offset) + BigEndian.bytes(length))
        }
        let place = offset + UInt64(table(0, [0, 0, 0, 0, 0, 0, 0, 0], 0).count - count)
        let telling = table(place - 7, .text("HiddenWo"), 7)
        #expect(telling.count - count <= grown)
        bytes.replaceSubrange(name - 4..<name - 4 + count, with: telling)
        let meta = try #require(bytes.position(of: .text("meta"))) - 4
        let size = Int(BigEndian.number(bytes, at: meta, 4)) + telling.count - count
        bytes.replaceSubrange(meta..<meta + 4, with: BigEndian.bytes(UInt32(size)))
        let folder = try TestFolder()
        let cleaned = try CleanedBytes(bytes, in: folder, Self.clean)
        #expect(cleaned.bytes.position(of: table(0, [UInt8](repeating: 0, count: 8), place)) != nil)
        #expect(!cleaned.contains("Hidden") && cleaned.contains("picture-1"))
        #expect(try CleanedBytes(cleaned.bytes, in: folder, Self.clean).bytes == cleaned.bytes)
    }

    @Test func `parts go with what is made of them, however deep`() throws {
        // A preview of a maker is made of the second picture, that of the third, and so on.
        var picture = HEIFFixture()
        picture.items.append(HEIFFixture.Item(id: 2, type: "hidd", data: Self.hidden))
        for id in 3...200 as ClosedRange<UInt16> {
            picture.items.append(HEIFFixture.picture(id, .text("Hidd")))
            picture.references.append(("dimg", id - 1, [id]))
        }
        let folder = try TestFolder()
        let cleaned = try CleanedBytes(picture.bytes, in: folder, Self.clean)
        #expect(!cleaned.contains("Hidd") && cleaned.contains("picture-1"))
        // One that the first picture is made of as well stays, with its own parts.
        picture.references.append(("dimg", 1, [150]))
        let shared = try CleanedBytes(picture.bytes, in: folder, Self.clean)
        let left = shared.bytes.indices.dropLast(3).count { shared.bytes[$0..<$0 + 4].elementsEqual(Self.hidden) }
        #expect(left == 51)
    }

    @Test func `as many items and references as may be are read`() throws {
        // Grids of 16 pictures each, which share their parts.
        var picture = HEIFFixture()
        let grid: [UInt8] = [0, 0, 3, 3, 0, 64, 0, 64]
        for id in 2...4096 as ClosedRange<UInt16> {
            picture.items.append(
                HEIFFixture.Item(id: id, type: "grid", name: "", data: grid, isStored: true, properties: [1]))
            picture.references.append(("dimg", id, [UInt16](repeating: 1, count: 16)))
        }
        let folder = try TestFolder()
        let cleaned = try CleanedBytes(picture.bytes, in: folder, Self.clean)
        #expect(cleaned.contains("picture-1"))
        picture.references[0].to.removeLast()
        #expect(throws: CleaningError.corrupt("a grid without all of its pictures")) {
            try CleanedBytes(picture.bytes, in: folder, Self.clean)
        }
    }
}

import Files
import Testing

@testable import Cleaning

@Suite struct FragmentedFilmTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// How a fragment says where its data lies.
    enum Base: CaseIterable { case file, fragment, before }

    private struct Fixture {
        var base = Base.fragment
        var handler: BoxType = "meta"
        var inFragment: [UInt8] = .box("uuid", [UInt8](repeating: 9, count: 16) + .text("PlantedTime"))
        var between: [UInt8] =
            .fullBox("emsg", .text("PlantedEvent")) + .fullBox("prft", [UInt8](repeating: 0xEE, count: 16))
        var firstSize: UInt32 = 7

        static func words(_ numbers: [Int]) -> [UInt8] { numbers.flatMap { BigEndian.bytes(UInt32($0)) } }

        /// Two fragments of a film with sizes in its run, and of a second track with a size for all.
        var bytes: [UInt8] {
            var film = FilmFixture()
            let entry = handler == "soun" ? FilmFixture.sound("mp4a") : .box("mebx", [0, 0, 0, 0, 0, 0, 0, 1])
            film.tracks = [
                FilmFixture.Track(id: 1, chunks: []),
                FilmFixture.Track(id: 2, handler: handler, entry: entry, chunks: []),
            ]
            film.movieExtra = .box(
                "mvex",
                .fullBox("trex", Self.words([1, 1, 20, 0, 0])) + .fullBox("trex", Self.words([2, 1, 10, 6, 0])))
            let fileType = Array(film.bytes.prefix(24))
            var bytes = fileType + film.movie(start: 0)
            for number in 0..<2 {
                bytes +=
                    [UInt8].box("styp", .text("msdh") + [0, 0, 0, 0])
                    + .fullBox("sidx", [UInt8](repeating: 1, count: 20)) + between
                let start = bytes.count
                let size = fragment(number, start: start, fragmentBytes: 0).count
                bytes += fragment(number, start: start, fragmentBytes: size)
                bytes += [UInt8].box("mdat", .text("frame-1frame-22sound1sound2GAP!"))
            }
            return bytes + .box("mfra", .fullBox("mfro", [0, 0, 0, 16]))
        }

        private func fragment(_ number: Int, start: Int, fragmentBytes: Int) -> [UInt8] {
            let origin = base == .file ? 0 : start
            let (first, second) = (start + fragmentBytes + 8 - origin, start + fragmentBytes + 8 + 15 - origin)
            let flags: UInt32 = base == .file ? 1 : base == .fragment ? 0x2_0000 : 0
            let place: [UInt8] = base == .file ? BigEndian.bytes(UInt64(0)) : []
            let film =
                [UInt8].fullBox("tfhd", flags: flags, Self.words([1]) + place)
                + .fullBox("tfdt", version: 1, BigEndian.bytes(UInt64(40 * number)))
                + .fullBox("trun", flags: 0x201, Self.words([2, first, Int(firstSize), 8]))
            // Without a base of its own, the second track's data begins where the first one's ends.
            let run: [UInt8] =
                base == .before
                ? .fullBox("trun", flags: 0, Self.words([2])) : .fullBox("trun", flags: 1, Self.words([2, second]))
            let other = [UInt8].fullBox("tfhd", flags: flags, Self.words([2]) + place) + run
            return .box(
                "moof",
                .fullBox("mfhd", Self.words([number + 1])) + .box("traf", film + inFragment) + .box("traf", other))
        }
    }

    @Test(arguments: Base.allCases) func `fragments keep their samples, wherever they say that these are`(base: Base)
        throws
    {
        let cleaned = try CleanedBytes(Fixture(base: base, handler: "soun").bytes, in: folder, Film.clean)
        for word in ["PlantedTime", "PlantedEvent", "PlantedHandler", "GAP!", "sidx", "mfra", "emsg"] {
            #expect(!cleaned.contains(word), "\(word)")
        }
        #expect(cleaned.bytes.ends(with: .box("mdat", .text("frame-1frame-22sound1sound2") + [0, 0, 0, 0])))
        #expect(cleaned.file.seconds == 80.0 / 30)
        #expect(cleaned.file.removed.isSuperset(of: [.other, .time, .encoder, .telemetry]))
        try expectRunsPointAtSamples(cleaned.bytes)
        let again = try CleanedBytes(cleaned.bytes, in: folder, Film.clean)
        #expect(again.bytes == cleaned.bytes && again.file.removed.isEmpty)
    }

    @Test func `the samples of a track that goes become zeros`() throws {
        let cleaned = try CleanedBytes(Fixture().bytes, in: folder, Film.clean)
        #expect(cleaned.bytes.ends(with: .box("mdat", .text("frame-1frame-22") + [UInt8](repeating: 0, count: 16))))
        #expect(!cleaned.contains("sound"))
    }

    /// Each first run of a fragment points at the first frame.
    private func expectRunsPointAtSamples(_ bytes: [UInt8]) throws {
        let reader = BoxReader(try SourceBytes(try folder.file(bytes)))
        let fragments = try reader.boxes(in: 0..<Int64(bytes.count), depth: 0).filter { $0.type == "moof" }
        #expect(fragments.count == 2)
        for fragment in fragments {
            let parts = try reader.children(of: fragment).filter { $0.type == "traf" }
            for (part, text) in zip(parts, ["frame-1", "sound1"]) {
                let run = try reader.children(of: part).required("trun")
                let offset =
                    Int(fragment.range.lowerBound)
                    + Int(BigEndian.number(bytes, at: Int(run.payload.lowerBound) + 8, 4))
                #expect(bytes[offset...].starts(with: text.utf8))
            }
        }
    }

    @Test func `samples outside of the data are refused`() throws {
        #expect(throws: CleaningError.truncated) {
            try CleanedBytes(Fixture(firstSize: 1 << 20).bytes, in: folder, Film.clean)
        }
    }

    @Test func `encrypted fragments are refused`() throws {
        #expect(throws: CleaningError.unsupported("encryption")) {
            try CleanedBytes(Fixture(inFragment: .fullBox("senc", [0, 0, 0, 0])).bytes, in: folder, Film.clean)
        }
    }

    @Test func `damage is refused or cleaned`() throws {
        try expectSafe(
            Fixture(handler: "soun").bytes, planted: ["PlantedTime", "PlantedEvent"], changes: 1500, clean: Film.clean)
        try expectSafe(
            Fixture(base: .before).bytes, planted: ["PlantedTime", "PlantedEvent"], changes: 500, clean: Film.clean)
    }
}

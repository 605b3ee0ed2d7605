@testable import Cleaning

/// A film made byte by byte.
struct FilmFixture {
    struct Track {
        var id: UInt32
        var handler: BoxType = "vide"
        /// The handler's name.
        var name = "PlantedHandler"
        var entry: [UInt8] = FilmFixture.video()
        /// Samples of each chunk.
        var chunks: [[[UInt8]]] = [[.text("frame-1"), .text("frame-2")], [.text("frame-3")]]
        var usesWideOffsets = false
        /// Sizes of 4, 8, 16 bits instead of 32; 0: one size for all.
        var sizeBits = 32
        var extra: [UInt8] = []
        var mediaExtra: [UInt8] = []
        var informationExtra: [UInt8] = []
        var tableExtra: [UInt8] = []
        var reference: [UInt8] = .fullBox("url ", flags: 1, [])
        var matrix: [UInt32] = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000]
        var version: UInt8 = 0
    }

    var brand: BoxType = "isom"
    var tracks = [Track(id: 1)]
    var movieExtra: [UInt8] = []
    /// Boxes of the top level before `mdat`, and behind everything.
    var before: [UInt8] = []
    var after: [UInt8] = []
    var movieFirst = false
    /// What lies before each chunk.
    var gap: [UInt8] = []

    static let time: UInt64 = 0xE1E2_E3E4

    var bytes: [UInt8] {
        let fileType = [UInt8].box(
            "ftyp", brand.bytes + BigEndian.bytes(UInt32(0x200)) + brand.bytes + BoxType("niko").bytes)
        let movieBytes = movie(start: 0).count
        let start = fileType.count + before.count + (movieFirst ? movieBytes : 0) + 8
        let movie = movie(start: start)
        let data = [UInt8].box("mdat", chunksInOrder().flatMap { gap + $0.bytes })
        return fileType + before + (movieFirst ? movie + data : data + movie) + after
    }

    /// The first chunk of each track, then the second, and so on.
    private func chunksInOrder() -> [(track: Int, bytes: [UInt8])] {
        let most = tracks.map(\.chunks.count).max() ?? 0
        return (0..<most).flatMap { index in
            tracks.indices.filter { index < tracks[$0].chunks.count }.map {
                ($0, tracks[$0].chunks[index].flatMap { $0 })
            }
        }
    }

    private func offsets(start: Int) -> [[Int]] {
        var offsets = [[Int]](repeating: [], count: tracks.count)
        var position = start
        for (track, bytes) in chunksInOrder() {
            position += gap.count
            offsets[track].append(position)
            position += bytes.count
        }
        return offsets
    }

    func movie(start: Int) -> [UInt8] {
        let offsets = offsets(start: start)
        let header =
            BigEndian.bytes(UInt32(Self.time)) + BigEndian.bytes(UInt32(Self.time)) + BigEndian.bytes(UInt32(600))
            + BigEndian.bytes(UInt32(1200)) + BigEndian.bytes(UInt32(0x10000)) + BigEndian.bytes(UInt16(0x100))
            + [UInt8](repeating: 0, count: 10) + Self.matrix(tracks[0].matrix) + [UInt8](repeating: 0, count: 24)
            + BigEndian.bytes(UInt32(99))
        let boxes = tracks.indices.flatMap { Self.track(tracks[$0], offsets[$0]) }
        return .box("moov", .fullBox("mvhd", header) + boxes + movieExtra)
    }

    private static func matrix(_ matrix: [UInt32]) -> [UInt8] { matrix.flatMap { BigEndian.bytes($0) } }

    private static func track(_ track: Track, _ offsets: [Int]) -> [UInt8] {
        let isLong = track.version == 1
        let times =
            isLong
            ? BigEndian.bytes(time) + BigEndian.bytes(time)
            : BigEndian.bytes(UInt32(time)) + BigEndian.bytes(UInt32(time))
        func duration(_ number: UInt64) -> [UInt8] {
            isLong ? BigEndian.bytes(number) : BigEndian.bytes(UInt32(number))
        }
        let header =
            times + BigEndian.bytes(track.id) + [0, 0, 0, 0] + duration(1200) + [UInt8](repeating: 0, count: 16)
            + matrix(track.matrix) + BigEndian.bytes(UInt32(640 << 16)) + BigEndian.bytes(UInt32(360 << 16))
        let media =
            [UInt8].fullBox(
                "mdhd", version: track.version, times + BigEndian.bytes(UInt32(30)) + duration(60) + [0x15, 0xC7, 0, 0])
            + .fullBox(
                "hdlr", [0, 0, 0, 0] + track.handler.bytes + [UInt8](repeating: 0, count: 12) + .text(track.name) + [0])
        let sort: [UInt8] =
            track.handler == "vide"
            ? .fullBox("vmhd", flags: 1, [UInt8](repeating: 0, count: 8)) : .fullBox("nmhd", [])
        let information =
            sort + .box("dinf", .fullBox("dref", [0, 0, 0, 1] + track.reference)) + table(track, offsets)
            + track.informationExtra
        return .box(
            "trak",
            .fullBox("tkhd", version: track.version, flags: 7, header)
                + .box("mdia", media + track.mediaExtra + .box("minf", information)) + track.extra)
    }

    private static func table(_ track: Track, _ offsets: [Int]) -> [UInt8] {
        let samples = track.chunks.flatMap { $0 }
        func words(_ numbers: [Int]) -> [UInt8] { numbers.flatMap { BigEndian.bytes(UInt32($0)) } }
        let sizes: [UInt8]
        switch track.sizeBits {
        case 32: sizes = .fullBox("stsz", words([0, samples.count] + samples.map(\.count)))
        case 0: sizes = .fullBox("stsz", words([samples.first?.count ?? 0, samples.count]))
        case 4:
            let counts = samples.map { UInt8($0.count) } + [0]
            let pairs = stride(from: 0, to: samples.count, by: 2).map { counts[$0] << 4 | counts[$0 + 1] }
            sizes = .fullBox("stz2", words([4, samples.count]) + pairs)
        case 8: sizes = .fullBox("stz2", words([8, samples.count]) + samples.map { UInt8($0.count) })
        default:
            sizes = .fullBox(
                "stz2", words([16, samples.count]) + samples.flatMap { BigEndian.bytes(UInt16($0.count)) })
        }
        let runs = track.chunks.enumerated().flatMap { [$0.offset + 1, $0.element.count, 1] }
        let places: [UInt8] =
            track.usesWideOffsets
            ? .fullBox("co64", words([offsets.count]) + offsets.flatMap { BigEndian.bytes(UInt64($0)) })
            : .fullBox("stco", words([offsets.count] + offsets))
        return .box(
            "stbl",
            .fullBox("stsd", words([1]) + track.entry) + .fullBox("stts", words([1, samples.count, 20]))
                + .fullBox("stsc", words([track.chunks.count] + runs)) + sizes + places + track.tableExtra)
    }

    /// A sample entry of film: settings of H.264, a compressor's name, and more boxes.
    static func video(_ type: BoxType = "avc1", configuration: [UInt8]? = nil, extra: [UInt8] = []) -> [UInt8] {
        let name = "PlantedCompressor"
        let settings =
            configuration ?? .box("avcC", [1, 66, 0, 30, 0xFF, 0xE1, 0, 4, 0x67, 66, 0, 30, 1, 0, 3, 0x68, 1, 2])
        let fields: [UInt8] =
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0] + .text("VNDR") + [UInt8](repeating: 0, count: 8)
            + [2, 128, 1, 104, 0, 72, 0, 0, 0, 72, 0, 0, 0, 0, 0, 0, 0, 1] + [UInt8(name.utf8.count)] + .text(name)
            + [UInt8](repeating: 0, count: 31 - name.utf8.count) + [0, 24, 0xFF, 0xFF]
        return .box(type, fields + settings + extra)
    }

    /// A sample entry of QuickTime sound, of version 0.
    static func sound(_ type: BoxType = "sowt", channels: UInt8 = 2, bits: UInt8 = 16, extra: [UInt8] = []) -> [UInt8] {
        .box(
            type,
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0] + .text("VNDR") + [0, channels, 0, bits, 0, 0, 0, 0, 0xAC, 0x44, 0, 0]
                + extra)
    }

    /// An `esds` with descriptors that go, too.
    static func elementaryStream(extra: [UInt8] = []) -> [UInt8] {
        let decoder: [UInt8] = [0x40, 0x15] + [UInt8](repeating: 0, count: 11) + [5, 2, 0x12, 0x10]
        return .fullBox(
            "esds",
            [3, UInt8(3 + 2 + decoder.count + 3 + extra.count), 0, 1, 0, 4, UInt8(decoder.count)] + decoder + [6, 1, 2]
                + extra)
    }

    /// QuickTime's keys and values.
    static func keys(_ values: [(key: String, value: String)]) -> [UInt8] {
        let keys = values.flatMap { [UInt8].box("mdta", .text($0.key)) }
        let items = values.enumerated().flatMap { index, each in
            [UInt8].box(BoxType(code: UInt32(index + 1)), .box("data", [0, 0, 0, 1, 0, 0, 0, 0] + .text(each.value)))
        }
        return .box(
            "meta",
            .fullBox("hdlr", [0, 0, 0, 0] + .text("mdta") + [UInt8](repeating: 0, count: 13))
                + .fullBox("keys", BigEndian.bytes(UInt32(values.count)) + keys) + .box("ilst", items))
    }

    /// A box of user data with QuickTime's text: length, language, characters.
    static func userText(_ type: BoxType, _ text: String) -> [UInt8] {
        .box(type, BigEndian.bytes(UInt16(text.utf8.count)) + [0x15, 0xC7] + .text(text))
    }
}

import TestSupport
import Testing

@testable import Cleaning

private typealias S = SoundSamples
private typealias M = MatroskaSample

/// Files that want more time or memory than they are worth. Where a bound on time is missing, a test does not end.
@Suite struct HostileTests {
    /// A directory of EXIF whose entries all lead to itself.
    @Test func `EXIF is walked over once, wherever its entries lead`() {
        let entry: [UInt8] = [0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 8]
        let count = 65_535
        let block = [0x4D, 0x4D, 0, 42, 0, 0, 0, 8] + S.big(count, 2) + (0..<count).flatMap { _ in entry }
        #expect(ExifReader(block[...]).removed == [.other])
    }

    /// Each inflates to a mebibyte.
    @Test func `of EXIF in texts of PNG only the first is inflated`() throws {
        // A stored block of zeros would be as long as they are: 255 copies of one byte a time are not.
        let text = PNGChunk.made("zTXt", S.ascii("Raw profile type exif") + [0, 0] + Self.longZeros)
        let file = PNGTests.Sample(before: [[UInt8]](repeating: text, count: 2000)).bytes
        let trial = try CleaningTrial(PNG.clean)
        #expect(try trial.run(file).file.removed == [.other])
    }

    /// One byte, then copies of it: with fixed codes each takes 13 bits for 258 bytes (RFC 1951, 3.2.6).
    private static let longZeros: [UInt8] = {
        var bits: [UInt8] = [1, 1, 0] + [0, 0, 1, 1, 0, 0, 0, 0]
        let count = 4000
        for _ in 0..<count { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }
        bits += [UInt8](repeating: 0, count: 7)
        let bytes = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start...].prefix(8).enumerated().reduce(UInt8(0)) { $0 | $1.element << UInt8($1.offset) }
        }
        let sum = Adler32.of([UInt8](repeating: 0, count: 1 + 258 * count))
        return [0x78, 0x01] + bytes + sum.bigEndianBytes
    }()

    @Test func `what the texts inflate to is what they should`() {
        #expect(Inflater.zlib(Self.longZeros[...], limit: 2 << 20)?.count == 1 + 258 * 4000)
    }

    @Test(arguments: [
        RefusedCase(
            "a setup of more than 1 MiB",
            [
                S.page(S.vorbisHead, flags: 2, number: 0),
                OggTests.pages([S.ascii("\u{03}vorbis") + S.comments("", []) + [1], setup(1 << 20)]),
                S.page([1], number: 99),
            ], .excessive("a codec described by more than 1 MiB")),
        RefusedCase(
            "a thousand packets",
            [flacHead, S.page([], number: 1, lacing: S.zeros(250)), packets(2), packets(3)]
                + (4...6).map { packets($0) }, .excessive("more than 1,000 packets before its sound")),
        RefusedCase(
            "comments side by side",
            [
                S.page(S.opusHead, flags: 2, stream: 1, number: 0), S.page(S.opusHead, flags: 2, stream: 2, number: 0),
                OggTests.pages([S.zeros(9 << 20)], stream: 1, isEnded: false),
                OggTests.pages([S.zeros(9 << 20)], stream: 2, isEnded: false),
            ], .excessive("more than 16 MiB of comments")),
    ])
    func `what Ogg holds in memory is bounded`(_ row: RefusedCase) throws {
        #expect(try CleaningTrial(Ogg.clean).refusal(row.file) == row.error)
    }

    private static func setup(_ count: Int) -> [UInt8] { S.ascii("\u{05}vorbis") + S.zeros(count) }
    private static func packets(_ number: Int) -> [UInt8] { S.page([], number: number, lacing: S.zeros(250)) }
    private static let flacHead = S.page(
        S.join([0x7F], S.ascii("FLAC"), [1, 0, 0, 0], S.ascii("fLaC"), S.block(0, S.flacInfo(samples: 0))), flags: 2,
        number: 0)

    @Test func `what codecs of Matroska are described by is bounded, and not held where it stays`() throws {
        func film(_ bytes: Int) -> [UInt8] {
            let tracks = (1...3).map { M.track($0, type: 1, codec: "V_MPEG2", M.element(0x63A2, S.zeros(bytes))) }
            return M.film(M.info(), M.tracks(tracks.flatMap { $0 }), M.cluster(M.simpleBlock(1, at: 0)))
        }
        let trial = try CleaningTrial(Matroska.clean)
        #expect(try trial.refusal(film(6 << 20)) == .excessive("codecs described by more than 16 MiB"))
        #expect(try trial.run(film(5 << 20)).file.copy.parts.count < 10)
    }

    @Test func `parts of Matroska that have to go are counted`() throws {
        let telemetry = M.track(2, type: 0x21, codec: "D_WEBVTT/METADATA")
        let blocks = [[UInt8]](repeating: M.simpleBlock(2, at: 0, ""), count: 140_000).flatMap { $0 }
        let file = M.film(M.info(), M.tracks(M.video(), telemetry), M.cluster(M.simpleBlock(1, at: 0), blocks))
        let error = try CleaningTrial(Matroska.clean).refusal(file)
        #expect(error == .excessive("more than 262144 parts that have to go"))
    }

    @Test func `a profile whose tables lie on each other is dropped`() {
        let curve = S.join(S.ascii("curv"), S.zeros(4), S.big(300_000, 4), S.zeros(600_000))
        let matrix = S.zeros(48)
        let grid = S.join([2, 2, 2], S.zeros(13), [1, 0, 0, 0], S.zeros(24))
        let end = 32 + 3 * curve.count
        let offsets = [32, end, 32, end + 48, 32].flatMap { S.big($0, 4) }
        let table = S.join(
            S.ascii("mAB "), S.zeros(4), [3, 3, 0, 0], offsets, curve, curve, curve, matrix, grid)
        #expect(LookupTable(table[...], inputs: 3, outputs: 3).map { $0.bytes.count > 5 << 20 } ?? false)
        let names: [ChunkName] = ["A2B0", "A2B1", "A2B2", "B2A0", "B2A1", "B2A2"]
        let white = S.join(S.ascii("XYZ "), S.zeros(4), S.zeros(12))
        let start = 132 + 12 * (names.count + 1)
        var entries = S.big(names.count + 1, 4) + ChunkName("wtpt").bytes + S.big(start, 4) + S.big(20, 4)
        for name in names { entries += name.bytes + S.big(start + 20, 4) + S.big(table.count, 4) }
        var header = S.big(start + 20 + table.count, 4) + S.zeros(4) + [4, 0x30, 0, 0]
        header += S.ascii("prtrRGB XYZ ") + S.zeros(12) + S.ascii("acsp") + S.zeros(88)
        let profile = header + entries + white + table
        #expect(CleanProfile(profile[...], of: .rgb).replacement == .dropped)
    }
}

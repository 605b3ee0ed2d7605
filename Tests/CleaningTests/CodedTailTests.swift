import Testing

@testable import Cleaning

/// Bytes behind the end of coded data, where no decoder looks, and between the pixels.
@Suite struct CodedTailTests {
    private static let hidden = Array("HiddenWord 52.5200".utf8)
    private static let stream = Deflater.zlib([0, 1, 2])

    private static func png(_ data: [[UInt8]], header: [UInt8]? = nil, before: [[UInt8]] = []) -> [UInt8] {
        var sample = PNGTests.Sample(before: before)
        sample.data = data.map { PNGChunk.made("IDAT", $0) }
        if let header { sample.header = header }
        return sample.bytes
    }

    // MARK: PNG

    @Test(arguments: [
        [stream + hidden], [stream, hidden], [stream + hidden, hidden, hidden],
        [Array(stream.prefix(5)), Array(stream.dropFirst(5)) + hidden, hidden],
    ])
    func `what lies behind a PNG's stream goes`(data: [[UInt8]]) throws {
        let trial = try CleaningTrial(PNG.clean)
        let (file, copy) = try trial.runTwice(Self.png(data))
        #expect(!copy.tells("HiddenWord") && file.removed == [.trailing])
        let whole = data.count == 3 && data[0].count < 6 ? [data[0], Array(Self.stream.dropFirst(5))] : [Self.stream]
        #expect(copy == Self.png(whole))
    }

    @Test func `what lies behind a frame's stream goes, and its chunks keep their numbers`() throws {
        func animation(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
            var sample = PNGTests.animated
            sample.after = [
                PNGTests.frameControl(1), PNGChunk.made("fdAT", [0, 0, 0, 2] + first),
                PNGChunk.made("fdAT", [0, 0, 0, 3] + second),
            ]
            return sample.bytes
        }
        let frame = Deflater.zlib([0, 3, 4])
        let (file, copy) = try CleaningTrial(PNG.clean).runTwice(animation(frame + Self.hidden, Self.hidden))
        #expect(copy == animation(frame, []) && file.removed == [.trailing])
    }

    @Test func `a stream that makes no sense, or has more than the picture, is refused; a short one stays`() throws {
        let trial = try CleaningTrial(PNG.clean)
        let error = CleaningError.corrupt("the data of its picture is damaged")
        #expect(try trial.refusal(Self.png([Deflater.zlib([0, 1, 2] + Self.hidden)])) == error)
        #expect(try trial.refusal(Self.png([[0x78, 0x01, 0x07] + Self.hidden])) == error)
        let short = Self.png([Array(Self.stream.dropLast(6))])
        #expect(try trial.runTwice(short).bytes == short)
    }

    @Test(arguments: [(0, 420), (1, 438)] as [(UInt8, Int)])
    func `rows are counted as they are interlaced`(interlace: UInt8, count: Int) throws {
        // Twenty pixels each way, of eight bits.
        let header = try PNGHeader([0, 0, 0, 20, 0, 0, 0, 20, 8, 0, 0, 0, interlace])
        #expect(header.filteredBytes(width: 20, height: 20) == count)
    }

    @Test func `a palette that no pixel uses goes`() throws {
        let header: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]
        let data = [Deflater.zlib([0, 1, 2, 3])]
        let palette = PNGChunk.made("PLTE", Array("HiddenWord52".utf8))
        let (file, copy) = try CleaningTrial(PNG.clean).runTwice(Self.png(data, header: header, before: [palette]))
        #expect(copy == Self.png(data, header: header) && file.removed == [.other])
    }

    // MARK: GIF

    /// Four pixels of 0, then the end, in codes of three bits and more.
    private static func gif(_ blocks: [[UInt8]]) -> [UInt8] {
        let image: [UInt8] = [0x2C, 0, 0, 0, 0, 4, 0, 1, 0, 0, 2]
        return GIFTests.gif(image + blocks.flatMap { [UInt8($0.count)] + $0 } + [0])
    }

    /// 4 clear, 0, 6 (two zeros), 0, 5 end: 100 000 110 000 101, the lowest bit first.
    private static let codes: [UInt8] = [0b1000_0100, 0b0101_0001]

    @Test(arguments: [
        [codes + hidden], [codes, hidden], [[codes[0]], [codes[1]] + hidden, hidden],
        [[codes[0], 0b1111_0001] + hidden],
    ])
    func `what lies behind the codes of a GIF goes`(blocks: [[UInt8]]) throws {
        let (file, copy) = try CleaningTrial(GIF.clean).runTwice(Self.gif(blocks))
        #expect(file.removed == [.trailing] && !copy.tells("HiddenWord"))
        #expect(copy == Self.gif(blocks[0].count == 1 ? [[Self.codes[0]], [Self.codes[1]]] : [Self.codes]))
    }

    @Test func `codes that end with the picture, or before, stay`() throws {
        for blocks in [[Self.codes], [[Self.codes[0]], [Self.codes[1]]], [[Self.codes[0]]]] {
            let bytes = Self.gif(blocks)
            let (file, copy) = try CleaningTrial(GIF.clean).runTwice(bytes)
            #expect(copy == bytes && file.removed.isEmpty)
        }
    }

    @Test func `a long block is cut in its middle`() throws {
        let (_, copy) = try CleaningTrial(GIF.clean).runTwice(
            Self.gif([Self.codes + [UInt8](repeating: 7, count: 253), [UInt8](repeating: 7, count: 255)]))
        #expect(copy == Self.gif([Self.codes]))
    }

    // MARK: BMP

    private static func bmp(_ bits: UInt8, _ pixels: [UInt8]) -> [UInt8] {
        let count = UInt8(pixels.count)
        var bytes: [UInt8] = .text("BM") + [54 + count, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0]
        bytes += [40, 0, 0, 0, bits == 24 ? 1 : 2, 0, 0, 0, bits == 24 ? 2 : 1, 0, 0, 0, 1, 0, bits, 0, 0, 0, 0, 0]
        bytes += [count, 0, 0, 0] + [UInt8](repeating: 0, count: 16)
        return bytes + pixels
    }

    @Test func `padding of rows and a fourth byte without meaning become zero`() throws {
        let trial = try CleaningTrial(BMP.clean)
        for bits: UInt8 in [24, 32] {
            let (_, copy) = try trial.runTwice(Self.bmp(bits, [1, 2, 3, 72, 4, 5, 6, 73]))
            #expect(copy == Self.bmp(bits, [1, 2, 3, 0, 4, 5, 6, 0]))
        }
    }

    @Test func `columns go on from block to block`() throws {
        let folder = try TestFolder()
        let bytes = [UInt8](repeating: 1, count: 3_000_000)
        var copy = CleanCopy()
        copy.append([9, 9, 9])
        copy.append(columns: 5..<2_999_999, period: 7, kept: 4)
        copy.append(filler: 2)
        let input = try folder.file(bytes)
        let output = try folder.file([])
        try copy.write(from: input, to: output)
        var expected: [UInt8] = [9, 9, 9]
        for index in 0..<2_999_994 { expected.append(index % 7 < 4 ? 1 : 0) }
        expected += [0xFF, 0xFF]
        #expect(try TestFolder.bytes(of: output) == expected)
        let parts: [CleanCopy.CopyPart] = [.bytes([9, 9, 9]), .columns(5..<2_999_999, period: 7, kept: 4), .filler(2)]
        #expect(Array(copy.parts) == parts)
    }
}

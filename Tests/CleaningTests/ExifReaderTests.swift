import TestSupport
import Testing

@testable import Cleaning

@Suite struct ExifReaderTests {
    @Test func `the smallest block has 26 bytes and nothing but its orientation`() {
        for orientation in Orientation.allCases {
            let block = ExifReader.minimal(orientation)
            let summary = ExifSummary(block[...])
            #expect(block.count == 26 && summary.removed.isEmpty)
            #expect(summary.orientation == (orientation == .upright ? nil : orientation))
            #expect(summary.kept == (orientation == .upright ? nil : block))
            #expect(ExifReader((ExifReader.label + block)[...]).orientation == orientation)
        }
    }

    @Test func `kinds of metadata have their words`() {
        let reader = ExifReader(ExifSample.telling(orientation: 3)[...])
        #expect(reader.orientation == .halfTurn && reader.removed == [.camera, .encoder, .time, .gps])
    }

    @Test func `bytes that no entry names are something else`() {
        let block = ExifReader.minimal(.rightTurn) + [UInt8](repeating: 1, count: 100)
        #expect(ExifSummary(block[...]).removed == [.other])
    }

    @Test func `damage never traps`() {
        var random = SeededGenerator(seed: 0xE81F)
        let block = ExifSample.telling(orientation: 6)
        for length in 0..<block.count { _ = ExifReader(block[..<length]) }
        for _ in 0..<5000 {
            var damaged = block
            damaged[Int.random(in: 0..<block.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = ExifReader(damaged[...])
        }
        #expect(ExifReader([]).removed == [.other])
    }
}

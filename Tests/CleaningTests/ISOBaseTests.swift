import Files
import Testing

@testable import Cleaning

@Suite struct ISOBaseTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func reader(_ bytes: [UInt8]) throws -> BoxReader { BoxReader(try SourceBytes(try folder.file(bytes))) }

    @Test func `boxes have sizes of 32 and 64 bits, or reach the end`() throws {
        let long = BigEndian.bytes(UInt32(1)) + .text("mdat") + BigEndian.bytes(UInt64(18)) + [7, 7]
        let bytes: [UInt8] =
            .box("free", [1]) + long + .box("uuid", [UInt8](repeating: 5, count: 17)) + [0, 0, 0, 0] + .text("mdat") + [
                9
            ]
        let reader = try reader(bytes)
        let boxes = try reader.boxes(in: 0..<Int64(bytes.count), depth: 0)
        #expect(boxes.map(\.type) == ["free", "mdat", "uuid", "mdat"])
        #expect(boxes.map(\.payload) == [8..<9, 25..<27, 51..<52, 60..<61])
        #expect(try reader.userType(of: boxes[2]) == [UInt8](repeating: 5, count: 16))
    }

    @Test func `a list inside a box may end with zeros`() throws {
        let bytes: [UInt8] = .box("udta", .box("name", []) + [0, 0, 0, 0])
        let reader = try reader(bytes)
        let box = try reader.boxes(in: 0..<Int64(bytes.count), depth: 0)[0]
        #expect(try reader.children(of: box).map(\.type) == ["name"])
    }

    @Test(
        arguments: [
            ([0, 0, 0, 7, 1, 1, 1, 1], CleaningError.corrupt("the box “????” is shorter than its header")),
            ([0, 0, 0, 9, 1, 1, 1, 1], .truncated),
            ([0, 0, 0, 1, 1, 1, 1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .truncated),
            ([0, 0, 0, 1, 1, 1, 1, 1], .truncated), ([1, 2, 3], .truncated),
        ] as [([UInt8], CleaningError)]) func `boxes that cannot be are refused`(bytes: [UInt8], error: CleaningError)
        throws
    {
        let reader = try reader(bytes)
        #expect(throws: error) { try reader.boxes(in: 0..<Int64(bytes.count), depth: 0) }
    }

    @Test func `boxes have limits of number and depth`() throws {
        let many = [UInt8]((0..<BoxReader.boxLimit + 1).flatMap { _ in [UInt8].box("free", []) })
        let manyReader = try reader(many)
        #expect(throws: CleaningError.excessive("more than 100000 boxes")) {
            try manyReader.boxes(in: 0..<Int64(many.count), depth: 0)
        }
        let deepReader = try reader(.box("free", []))
        #expect(try deepReader.box(at: 0, end: 8, depth: 16) != nil)
        #expect(throws: CleaningError.excessive("boxes more than 16 deep")) {
            try deepReader.box(at: 0, end: 8, depth: 17)
        }
    }

    @Test func `ranges that touch or overlap are one`() throws {
        var ranges = ByteRanges()
        for range in [50..<60, 0..<10, 10..<20, 15..<30, 70..<70, 55..<58] as [Range<Int64>] {
            try ranges.insert(range)
        }
        let sorted = try ranges.sorted()
        #expect(Array(sorted) == [0..<30, 50..<60] && sorted.count == 2 && sorted.bytes == 40)
        #expect(sorted.cover(5..<30) && !sorted.cover(5..<31) && !sorted.cover(30..<31) && sorted.cover(50..<60))
        #expect(sorted.overlap(29..<50) && !sorted.overlap(30..<50) && !SortedRanges().overlap(0..<50))
        var copy = CleanCopy()
        copy.append(5..<65, keeping: sorted)
        #expect(Array(copy.parts) == [.original(5..<30), .zeros(20), .original(50..<60), .zeros(5)])
    }

    @Test(arguments: 1...20) func `ranges in any order are those that a set of bytes has`(seed: Int) throws {
        var generator = SeededGenerator(state: UInt64(seed))
        var ranges = ByteRanges()
        var bytes = [Bool](repeating: false, count: 20_000)
        for _ in 0..<seed * 100 {
            let start = Int.random(in: 0..<19_990, using: &generator)
            let range = start..<start + Int.random(in: 0..<10, using: &generator)
            try ranges.insert(Int64(range.lowerBound)..<Int64(range.upperBound))
            for index in range { bytes[index] = true }
        }
        let sorted = try ranges.sorted()
        var expected: [Range<Int64>] = []
        for (index, isIn) in bytes.enumerated() where isIn {
            if let last = expected.last, last.upperBound == Int64(index) {
                expected[expected.count - 1] = last.lowerBound..<Int64(index) + 1
            } else {
                expected.append(Int64(index)..<Int64(index) + 1)
            }
        }
        #expect(Array(sorted) == expected && sorted.count == expected.count)
        #expect(sorted.bytes == Int64(bytes.count { $0 }))
        var finder = RangeFinder(sorted)
        var before: [Int64] = [0]
        for isIn in bytes { before.append(before[before.count - 1] + (isIn ? 1 : 0)) }
        let offsets = Array(bytes.indices) + (0..<5000).map { _ in Int.random(in: bytes.indices, using: &generator) }
        for offset in offsets {
            let found = finder.position(of: Int64(offset))
            if found != (bytes[offset] ? before[offset] : nil) {
                Issue.record("\(offset) is found at \(String(describing: found))")
            }
            let range = Int64(offset)..<Int64(min(offset + 12, bytes.count))
            let inside = bytes[offset..<Int(range.upperBound)]
            if sorted.overlap(range) != inside.contains(true) || sorted.cover(range) != inside.allSatisfy({ $0 }) {
                Issue.record("\(range) lies elsewhere")
            }
        }
    }

    @Test func `ranges that come backwards take no longer`() throws {
        var ranges = ByteRanges()
        for index in (0..<Int64(20_000)).reversed() { try ranges.insert(2 * index..<2 * index + 1) }
        #expect(try ranges.sorted().count == 20_000)
    }

    @Test func `ranges have a limit`() throws {
        var ranges = ByteRanges(limit: 50_000)
        #expect(throws: CleaningError.excessive("data in more than 50000 pieces")) {
            for index in 0..<Int64(100_000) { try ranges.insert(2 * index..<2 * index + 1) }
        }
    }

    @Test func `tables are read in pieces`() throws {
        let bytes = (0..<30_000).flatMap { BigEndian.bytes(UInt32($0)) }
        var table = NumberTable(try SourceBytes(try folder.file(bytes)), at: 0, width: 4, count: 30_000)
        for index in [0, 29_999, 8191, 8192, 3] as [Int64] { #expect(try table.number(at: index) == UInt64(index)) }
        #expect(throws: CleaningError.corrupt("a table is shorter than it should be")) { try table.number(at: 30_000) }
    }
}

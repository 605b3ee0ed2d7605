import Files
import TestSupport
import Testing

@testable import Cleaning

@Suite struct CleanCopyTests {
    @Test func `parts that follow each other are one`() {
        var copy = CleanCopy()
        copy.append(original: 0..<5)
        copy.append(original: 5..<9)
        copy.append([1])
        copy.append([2])
        copy.append(zeros: 3)
        copy.append(zeros: 0)
        copy.append(original: 20..<21)
        #expect(Array(copy.parts) == [.original(0..<9), .bytes([1, 2]), .zeros(3), .original(20..<21)])
        #expect(copy.size == 15)
    }

    @Test func `a copy has the bytes of its parts`() throws {
        let folder = try TestFolder()
        let input = try folder.file(Array(0..<100))
        let output = try folder.file([])
        var copy = CleanCopy()
        copy.append([7, 8])
        copy.append(original: 10..<13)
        copy.append(zeros: 2)
        copy.append(original: 99..<100)
        try copy.write(from: input, to: output)
        #expect(try TestFolder.bytes(of: output) == [7, 8, 10, 11, 12, 0, 0, 99])
    }

    @Test func `a copy that cannot be written is told from an original that cannot be read`() throws {
        let folder = try TestFolder()
        let input = try folder.file([1, 2, 3], named: "original")
        var copy = CleanCopy()
        copy.append(original: 0..<3)
        let full = try OpenFile("/dev/full", .write)
        let error = try #require(throws: CleaningError.self) { try copy.write(from: input, to: full) }
        guard case .output(let reason) = error else { throw error }
        #expect(reason.path == "/dev/full")
    }

    @Test func `parts of every length come back, and blocks are written whole`() throws {
        let folder = try TestFolder()
        var generator = SeededGenerator(seed: 5)
        let original = generator.bytes(3_000_000)
        let input = try folder.file(original)
        var copy = CleanCopy()
        var expected: [UInt8] = []
        for _ in 0..<400 {
            let length = [0, 1, 7, 4096, 20_000, 600_000].randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                let bytes = [UInt8](repeating: 7, count: length / 100)
                copy.append(bytes)
                expected += bytes
            case 1:
                copy.append(zeros: Int64(length / 4))
                expected += [UInt8](repeating: 0, count: length / 4)
            default:
                // Backwards, too.
                let start = Int.random(in: 0...original.count - length, using: &generator)
                copy.append(original: Int64(start)..<Int64(start + length))
                expected += original[start..<start + length]
            }
        }
        #expect(copy.size == Int64(expected.count) && copy.parts.count == Array(copy.parts).count)
        let output = try folder.file([1])
        try copy.write(from: input, to: output)
        #expect(try TestFolder.bytes(of: output) == expected)
    }

    @Test func `a million small appends are one part`() {
        var copy = CleanCopy()
        for index in 0..<1_000_000 { copy.append([UInt8(truncatingIfNeeded: index)]) }
        #expect(copy.parts.count == 1 && copy.size == 1_000_000)
    }

    @Test func `a copy is not written where the original has been cut since`() throws {
        let folder = try TestFolder()
        let input = try folder.file(Array(0..<100))
        var copy = CleanCopy()
        copy.append(original: 0..<100)
        try input.truncate(to: 50)
        #expect(throws: CleaningError.truncated) { try copy.write(from: input, to: try folder.file([])) }
    }

    @Test(arguments: [0, 1, 0x7F, 0x80, 0x3FFF, 0x4000, Int64.max, Int64.min, -1, -64, -65] as [Int64])
    func `numbers of every size come back`(number: Int64) {
        var bytes: [UInt8] = []
        CompactNumber.append(signed: number, to: &bytes)
        CompactNumber.append(UInt64(bitPattern: number), to: &bytes)
        var offset = 0
        #expect(CompactNumber.readSigned(bytes, &offset) == number)
        #expect(CompactNumber.read(bytes, &offset) == UInt64(bitPattern: number) && offset == bytes.count)
    }

    @Test func `bytes are given where there are that many`() throws {
        let folder = try TestFolder()
        let source = try SourceBytes(try folder.file(Array(0..<100)))
        #expect(try source.bigEndian(2, at: 1) == 0x0102 && source.littleEndian(4, at: 96) == 0x6362_6160)
        #expect(try source.bytes(0, at: 100).isEmpty)
        for (count, offset) in [(1, 100), (2, 99), (1, -1), (1, Int64.max), (Int.max, 1)] as [(Int, Int64)] {
            #expect(throws: CleaningError.truncated) { try source.bytes(count, at: offset) }
        }
    }
}

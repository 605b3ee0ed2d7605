import Files
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

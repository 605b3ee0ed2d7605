import Files
import Foundation
import TestSupport
import Testing

@testable import Cleaning

/// A file that was cleaned, in memory.
struct CleanedBytes {
    let file: CleanedFile
    let bytes: [UInt8]

    /// Cleans `input`, which lies in a file of `folder`.
    init(_ input: [UInt8], in folder: TestFolder, _ clean: (SourceBytes) throws -> CleanedFile) throws {
        file = try clean(try SourceBytes(try folder.file(input)))
        var bytes: [UInt8] = []
        for part in file.copy.parts {
            switch part {
            case .bytes(let new): bytes += new
            case .zeros(let count): bytes += [UInt8](repeating: 0, count: Int(count))
            case .filler(let count): bytes += [UInt8](repeating: 0xFF, count: Int(count))
            case .columns(let range, let period, let kept):
                let columns = input[Int(range.lowerBound)..<Int(range.upperBound)].enumerated()
                bytes += columns.map { $0.offset % period < kept ? $0.element : 0 }
            case .original(let range): bytes += input[Int(range.lowerBound)..<Int(range.upperBound)]
            }
        }
        self.bytes = bytes
        #expect(Int64(bytes.count) == file.copy.size)
    }

    func contains(_ text: String) -> Bool { bytes.contains(text) }
}

extension [UInt8] {
    /// Where these bytes are for the first time.
    func position(of wanted: [UInt8]) -> Int? { Data(self).range(of: Data(wanted))?.lowerBound }

    func ends(with end: [UInt8]) -> Bool { Array(suffix(end.count)) == end }

    static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
}

/// Damages a file in every way that is cheap: each prefix, and single bytes. Whatever is accepted must be clean:
/// another cleaning changes nothing, and none of the planted words is in it.
func expectSafe(
    _ input: [UInt8], planted: [String], changes: Int, changing range: Range<Int>? = nil,
    clean: (SourceBytes) throws -> CleanedFile
) throws {
    let folder = try TestFolder()
    func check(_ bytes: [UInt8], _ what: String) throws {
        let cleaned: CleanedBytes
        do { cleaned = try CleanedBytes(bytes, in: folder, clean) } catch is CleaningError { return }
        for word in planted where cleaned.contains(word) { Issue.record("\(word) is left after \(what)") }
        do {
            let again = try CleanedBytes(cleaned.bytes, in: folder, clean)
            if again.bytes != cleaned.bytes || !again.file.removed.isEmpty {
                Issue.record("a second cleaning finds \(again.file.removed) after \(what)")
            }
        } catch {
            Issue.record("the copy is refused after \(what): \(error)")
        }
    }
    for count in 0..<input.count { try check(Array(input[..<count]), "\(count) bytes") }
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<changes {
        let index = Int.random(in: range ?? 0..<input.count, using: &generator)
        var changed = input
        changed[index] =
            [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &generator)].randomElement(using: &generator) ?? 0
        try check(changed, "byte \(index) = \(changed[index]) for \(input[index])")
    }
}

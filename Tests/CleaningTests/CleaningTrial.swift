import Files
import TestSupport
import Testing

@testable import Cleaning

/// Cleans bytes by way of real files.
struct CleaningTrial {
    let folder: TestFolder
    let clean: @Sendable (SourceBytes) throws(CleaningError) -> CleanedFile

    init(_ clean: @escaping @Sendable (SourceBytes) throws(CleaningError) -> CleanedFile) throws {
        folder = try TestFolder()
        self.clean = clean
    }

    /// What the cleaner says of these bytes, and the bytes of the copy.
    func run(_ bytes: [UInt8]) throws -> (file: CleanedFile, bytes: [UInt8]) {
        let input = try folder.file(bytes)
        let file = try clean(try SourceBytes(input))
        let output = try folder.file([])
        try file.copy.write(from: input, to: output)
        let result = try TestFolder.bytes(of: output)
        #expect(Int64(result.count) == file.copy.size)
        return (file, result)
    }

    /// The same, where the copy must be a fixed point: cleaned again, it is the same and tells nothing.
    func runTwice(_ bytes: [UInt8]) throws -> (file: CleanedFile, bytes: [UInt8]) {
        let once = try run(bytes)
        let twice = try run(once.bytes)
        #expect(twice.bytes == once.bytes)
        #expect(twice.file.removed == [])
        #expect(twice.file.seconds == once.file.seconds)
        return once
    }

    func refusal(_ bytes: [UInt8]) throws -> CleaningError? {
        do {
            _ = try run(bytes)
            return nil
        } catch let error as CleaningError {
            return error
        }
    }

    /// Every prefix of the file, and changes of single bytes by a generator with a seed: nothing traps, and what is
    /// accepted is a fixed point without the planted words.
    func damage(_ bytes: [UInt8], changes: Int = 3000, planted: [String], except: (Int) -> Bool = { _ in false }) throws
    {
        for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 1500)) {
            try look(Array(bytes.prefix(count)), planted, "prefix of \(count) bytes")
        }
        var random = SeededGenerator(seed: 0x5EED)
        for _ in 0..<changes {
            var changed = bytes
            let place = Int.random(in: bytes.indices, using: &random)
            let edges: [UInt8] = [0, 0xFF, 0x80, 0x7F, 1]
            let value =
                random.next() % 3 == 0
                ? edges.randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255, using: &random)
            if except(place) { continue }
            changed[place] = value
            try look(changed, planted, "byte \(place) is \(value)")
        }
    }

    private func look(_ bytes: [UInt8], _ planted: [String], _ what: String) throws {
        let input = try folder.file(bytes, named: "damaged")
        defer { _ = try? Folder.remove("\(folder.path)/damaged") }
        guard let file = try? clean(try SourceBytes(input)) else { return }
        let output = try folder.file([], named: "once")
        defer { _ = try? Folder.remove("\(folder.path)/once") }
        try file.copy.write(from: input, to: output)
        let result = try TestFolder.bytes(of: output)
        for word in planted { #expect(!result.tells(word), "\(what): \(word) is there") }
        do {
            let again = try clean(try SourceBytes(output))
            let second = try folder.file([], named: "twice")
            defer { _ = try? Folder.remove("\(folder.path)/twice") }
            try again.copy.write(from: output, to: second)
            #expect(try TestFolder.bytes(of: second) == result, "\(what): not a fixed point")
            #expect(again.removed == [], "\(what): something is left")
        } catch {
            Issue.record("\(what): the copy is refused: \(error)")
        }
    }
}

extension [UInt8] {
    /// Whether a text occurs in these bytes, with one or two bytes a character.
    func tells(_ text: String) -> Bool {
        contains(Array(text.utf8)) || contains(text.utf8.flatMap { [0, $0] })
    }

    func contains(_ text: String) -> Bool { contains(Array(text.utf8)) }

    private func contains(_ text: [UInt8]) -> Bool {
        guard count >= text.count, let first = text.first else { return false }
        return indices.dropLast(text.count - 1).contains { self[$0] == first && self[$0...].starts(with: text) }
    }
}

/// A file that is cleaned, in parts, and what it told.
struct CleanedCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let file: [UInt8]
    let removed: Set<RemovedMetadata>

    init(_ name: String, _ parts: [[UInt8]], _ removed: Set<RemovedMetadata>) {
        testDescription = name
        file = parts.flatMap { $0 }
        self.removed = removed
    }
}

/// A file that is refused, in parts, and why.
struct RefusedCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let file: [UInt8]
    let error: CleaningError

    init(_ name: String, _ parts: [[UInt8]], _ error: CleaningError) {
        testDescription = name
        file = parts.flatMap { $0 }
        self.error = error
    }
}

import Files
import Foundation
import Testing

@testable import Cleaning

/// Cleans bytes as a picture of one format, in a folder of its own.
struct PictureTrial {
    let folder: TestFolder
    private let clean: (SourceBytes) throws(CleaningError) -> CleanedFile

    init(_ clean: @escaping (SourceBytes) throws(CleaningError) -> CleanedFile) throws {
        folder = try TestFolder()
        self.clean = clean
    }

    /// What is told of the copy, and its bytes.
    func callAsFunction(_ bytes: [UInt8]) throws -> (file: CleanedFile, bytes: [UInt8]) {
        let input = try folder.file(bytes)
        let file = try clean(try SourceBytes(input))
        let output = try folder.file([])
        try file.copy.write(from: input, to: output)
        let written = try TestFolder.bytes(of: output)
        #expect(Int64(written.count) == file.copy.size)
        return (file, written)
    }

    /// Cleaning the copy of what is accepted changes nothing and finds nothing; what is not is a `CleaningError`.
    /// Gives the copy, or nil.
    @discardableResult
    func expectSound(_ bytes: [UInt8]) throws -> [UInt8]? {
        let first: [UInt8]
        do { first = try cleaned(bytes).copy.bytes(of: bytes) } catch is CleaningError { return nil }
        let second = try cleaned(first)
        #expect(second.copy.bytes(of: first) == first && second.removed.isEmpty)
        return first
    }

    private func cleaned(_ bytes: [UInt8]) throws -> CleanedFile {
        let name = "one of many"
        let input = try folder.file(bytes, named: name)
        defer { try? FileManager.default.removeItem(atPath: "\(folder.path)/\(name)") }
        return try clean(try SourceBytes(input))
    }

    /// Tries every prefix, and `count` changes of one byte; gives each copy to `look`.
    func tryDamage(of bytes: [UInt8], changes count: Int, look: ([UInt8]) -> Void = { _ in }) throws {
        for length in 0..<bytes.count {
            if let copy = try expectSound(Array(bytes[..<length])) { look(copy) }
        }
        var random = DamageGenerator(state: 0x5EED)
        for _ in 0..<count {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            if let copy = try expectSound(damaged) { look(copy) }
        }
    }
}

/// SplitMix64: the same changes in every run.
struct DamageGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

extension CleanCopy {
    /// The copy of these bytes.
    fileprivate func bytes(of original: [UInt8]) -> [UInt8] {
        parts.flatMap { part in
            switch part {
            case .bytes(let bytes): bytes
            case .original(let range): Array(original[Int(range.lowerBound)..<Int(range.upperBound)])
            case .zeros(let count): [UInt8](repeating: 0, count: Int(count))
            }
        }
    }
}

extension [UInt8] {
    /// Whether a text occurs in these bytes, with one or two bytes a character.
    func tells(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        return [wanted, wanted.flatMap { [0, $0] }].contains { wanted in
            guard let first = wanted.first else { return true }
            var rest = self[...]
            while let place = rest.firstIndex(of: first) {
                if rest[place...].starts(with: wanted) { return true }
                rest = rest[(place + 1)...]
            }
            return false
        }
    }
}

/// EXIF blocks: a little-endian TIFF header and one directory, with texts behind it.
enum ExifSample {
    /// With maker, model, software, time, GPS and serial number.
    static func telling(orientation: UInt8) -> [UInt8] {
        let texts: [(tag: UInt16, text: String)] = [
            (0x010F, "MakerOfCameras"), (0x0110, "ModelNine"), (0x0131, "ProgramX"), (0x0132, "2024:05:06 07:08:09"),
            (0x8825, "52.5200"), (0xA431, "SERIAL4711"),
        ]
        var entries: [UInt8] = little(0x0112) + little(3) + [1, 0, 0, 0, orientation, 0, 0, 0]
        var values: [UInt8] = []
        let start = 10 + 12 * (texts.count + 1) + 4
        for (tag, text) in texts {
            entries += little(tag) + little(2) + [UInt8(text.utf8.count), 0, 0, 0]
            entries += [UInt8(start + values.count), 0, 0, 0]
            values += Array(text.utf8)
        }
        return [0x49, 0x49, 42, 0, 8, 0, 0, 0, UInt8(texts.count + 1), 0] + entries + [0, 0, 0, 0] + values
    }

    private static func little(_ number: UInt16) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8)] }

    /// What it must not tell afterwards.
    static let planted = ["MakerOfCameras", "ModelNine", "ProgramX", "2024:05:06", "52.5200", "SERIAL4711"]
}

import Files
import Foundation
import TestSupport
import Testing

@testable import Cleaning
@testable import Imaging

@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct StillDamageTests {
    static let kinds: [(ending: String, arguments: [String])] = [
        ("PNG24:png", []), ("PNG8:png", ["-colors", "30"]), ("PNG64:png", ["-alpha", "set", "-interlace", "PNG"]),
        ("webp", ["-quality", "60"]), ("webp", ["-define", "webp:lossless=true"]),
        ("webp", ["-alpha", "set", "-channel", "A", "-evaluate", "set", "50%", "+channel"]),
        ("gif", []), ("gif", ["-interlace", "GIF"]), ("BMP3:bmp", []),
        ("BMP3:bmp", ["-colors", "9", "-compress", "None"]),
    ]

    @Test(arguments: kinds.indices)
    func `no prefix and no changed byte crashes or leaves half an output`(kind: Int) throws {
        let studio = try Studio.open()
        let (ending, arguments) = Self.kinds[kind]
        let path = try studio.draw(ending, ["-size", "33x21", "plasma:red-blue"] + arguments)
        let bytes = try TestSupport.bytes(ofFile: path)
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 1500)) {
            try tryOne(Array(bytes[..<length]), studio)
        }
        var random = SeededGenerator(seed: UInt64(kind))
        for _ in 0..<500 {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            try tryOne(damaged, studio)
        }
    }

    /// Decodes without what `Cleaning` checks first as well: the decoders have to stand alone.
    private func tryOne(_ bytes: [UInt8], _ studio: Studio) throws {
        let path = try studio.file(bytes)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try OpenFile(path, .read)
        for format in [PictureTraits.Format.png, .webP, .gif, .bmp] {
            guard let look = look(at: file, PictureTraits(format)) else { continue }
            #expect(look.width > 0 && look.height > 0)
        }
        do {
            let trial = try StillTrial(path, .high, studio)
            try? FileManager.default.removeItem(atPath: trial.path)
            try? FileManager.default.removeItem(atPath: trial.cleanPath)
        } catch is CleaningError {
        } catch StillTrial.Failure.unknownType {}
    }

    @Test func `a picture whose end cannot be decoded is sent as cleaned, and nothing of what was begun`() throws {
        let studio = try Studio.open()
        // RGB of 8 bits, 2,700 by 1,000. The filter of the last row does not exist, which cleaning does not look at.
        let header = UInt32(2700).bigEndianBytes + UInt32(1000).bigEndianBytes + [8, 2, 0, 0, 0]
        let row = 1 + 3 * 2700
        var rows = [UInt8](repeating: 0, count: 1000 * row)
        rows[999 * row] = 5
        let chunks =
            PNGChunk.made("IHDR", header) + PNGChunk.made("IDAT", Deflater.zlib(rows)) + PNGChunk.made("IEND", [])
        let damaged = try studio.file(PNG.signature + chunks)
        let trial = try StillTrial(damaged, .standard, studio)
        guard case .stripped(.undecodable) = trial.still.form else {
            Issue.record("\(trial.still.form)")
            return
        }
        #expect(trial.still.look == nil)
    }

    @Test func `a picture with more pixels than allowed, or an edge that no message tells, has no preview`() throws {
        let studio = try Studio.open()
        // Gray, of 8 bits, 70,000 by 2.
        let header = UInt32(70_000).bigEndianBytes + UInt32(2).bigEndianBytes + [8, 0, 0, 0, 0]
        let data = Deflater.zlib([UInt8](repeating: 0, count: 2 * 70_001))
        let chunks = PNGChunk.made("IHDR", header) + PNGChunk.made("IDAT", data) + PNGChunk.made("IEND", [])
        let source = try studio.file(PNG.signature + chunks)
        let trial = try StillTrial(source, .standard, studio)
        guard case .stripped(.undecodable) = trial.still.form else {
            Issue.record("\(trial.still.form)")
            return
        }
    }
}

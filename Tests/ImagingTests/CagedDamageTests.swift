import Cage
import Files
import Foundation
import Imaging
import TestSupport
import Testing

/// Damaged HEIC and AVIF: whatever libheif does with them, this process goes on, and nothing counts as a picture that the
/// decoder has not called one.
@Suite(.enabled(if: CagedScene.canMake, Comment(rawValue: CagedScene.reason)))
struct CagedDamageTests {
    private let scene: CagedScene

    init() throws { scene = try CagedScene() }

    private func small(_ ending: String) throws -> [UInt8] {
        try bytes(ofFile: try scene.make(ending, changes: ["-resize", "24x16!"]))
    }

    /// How a file ends: as a JPEG that another program reads, or as an error.
    private func isPicture(_ bytes: [UInt8]) throws -> Bool {
        let path = try scene.studio.file(bytes)
        do {
            let (outcome, result) = try scene.prepare(path, .standard)
            guard case .compressed(let look) = outcome else { return false }
            let jpeg = try TestSupport.bytes(ofFile: result)
            #expect(jpeg.starts(with: [0xFF, 0xD8]) && jpeg.suffix(2) == [0xFF, 0xD9])
            #expect(look.width > 0 && look.height > 0)
            return true
        } catch is ImagingError {
            return false
        }
    }

    @Test(arguments: CagedScene.endings)
    func `every beginning of a file is a picture or an error`(ending: String) throws {
        let whole = try small(ending)
        #expect(try isPicture(whole))
        // The data come last: without their end there may still be a picture, without the boxes there is none.
        for count in stride(from: 0, to: whole.count, by: max(1, whole.count / 60)) {
            if try isPicture(Array(whole.prefix(count))) { #expect(count > 300) }
        }
    }

    @Test(arguments: CagedScene.endings)
    func `a wrong byte anywhere is a picture or an error`(ending: String) throws {
        let whole = try small(ending)
        var random = SeededGenerator(seed: 41)
        for _ in 0..<100 {
            var bytes = whole
            bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            _ = try isPicture(bytes)
        }
    }
}

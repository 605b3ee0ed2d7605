import Cleaning
import Imaging
import Testing

/// Tables of a JPEG that is copied: what no scan uses may be anything.
@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct JPEGTableTests {
    private static let hidden = Array("HiddenWord 52.5200".utf8)

    /// A table of quantization for this place, of 64 bytes.
    private static func quantization(_ place: UInt8) -> [UInt8] {
        [place] + hidden + [UInt8](repeating: 1, count: 64 - hidden.count)
    }

    /// A table of codes for this class and place.
    private static func codes(_ place: UInt8) -> [UInt8] {
        [place] + [UInt8](repeating: 0, count: 7) + [UInt8(hidden.count)] + [UInt8](repeating: 0, count: 8) + hidden
    }

    private static let segments: [[UInt8]] = [
        JPEGBytes.segment(0xDB, quantization(3)), JPEGBytes.segment(0xC4, codes(0x03)),
        JPEGBytes.segment(0xC4, codes(0x13) + codes(0x02)),
        // Others take their places before the first scan.
        JPEGBytes.segment(0xDB, quantization(0) + quantization(1)), JPEGBytes.segment(0xC4, codes(0x00) + codes(0x11)),
    ]

    @Test(arguments: segments) func `a table that no scan uses goes`(segment: [UInt8]) throws {
        let studio = try Studio.open()
        for name in ["baseline", "progressive"] {
            let plain = try studio.prepare(studio.path(name + ".jpg"), .original)
            let prepared = try studio.prepare(JPEGBytes.inserting(segment, into: studio.bytes(name)), .original)
            #expect(try prepared.bytes == plain.bytes)
            #expect(prepared.picture.removed == [.other] && plain.picture.removed.isEmpty)
        }
    }

    @Test func `of a segment the used tables stay`() throws {
        let studio = try Studio.open()
        let baseline = try studio.bytes("baseline")
        let place = try #require(JPEGBytes.payload(of: 0xDB, in: baseline))
        let count = Int(baseline[place - 2]) << 8 | Int(baseline[place - 1])
        let tables = Array(baseline[place..<place + count - 2])
        for (before, behind) in [(Self.quantization(3), []), ([], Self.quantization(3))] {
            let segment = JPEGBytes.segment(0xDB, before + tables + behind)
            let telling = baseline[..<(place - 4)] + segment + baseline[(place + count - 2)...]
            let prepared = try studio.prepare(Array(telling), .original)
            #expect(try prepared.bytes == studio.prepare(studio.path("baseline.jpg"), .original).bytes)
        }
    }

    @Test(
        arguments: [
            "baseline", "progressive", "gray", "cmyk", "plain-cmyk", "arithmetic", "restarts", "usual-tables", "rgb",
            "small-progressive", "full-chroma",
        ]) func `every table that a scan uses stays`(name: String) throws
    {
        let studio = try Studio.open()
        let path = studio.path(name + ".jpg")
        let prepared = try studio.prepare(path, .original)
        #expect(!prepared.picture.removed.contains(.other))
        #expect(try GrayImage(prepared.path, studio).samples == GrayImage(path, studio).samples)
    }
}

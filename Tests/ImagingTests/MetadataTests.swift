import Cleaning
import Foundation
import Imaging
import TestSupport
import Testing

@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct MetadataTests {
    /// What another program wrote into a picture, and by what words it is to be named.
    struct Case: CustomTestStringConvertible {
        let name: String
        var tags: [String] = []
        var segments: [UInt8] = []
        var tail: [UInt8] = []
        let removed: [RemovedMetadata]
        var testDescription: String { name }
    }

    static let apertureTail = Array("....ftypmp42".utf8) + [UInt8](repeating: 7, count: 5000)

    static let cases = [
        Case(name: "position", tags: ["-GPSLatitude=48.1", "-GPSLatitudeRef=N"], removed: [.gps, .exif]),
        Case(
            name: "camera", tags: ["-Make=Maker", "-Model=Model", "-LensSerialNumber=77"], removed: [.camera, .exif]),
        Case(
            name: "times and author", tags: ["-DateTimeOriginal=2024:01:02 03:04:05", "-Artist=Ann"], removed: [.exif]),
        Case(name: "comment", tags: ["-Comment=at home"], removed: [.comment]),
        Case(name: "XMP", tags: ["-XMP-dc:Creator=Ann"], removed: [.xmp]),
        Case(name: "IPTC", tags: ["-IPTC:By-line=Ann"], removed: [.iptc]),
        Case(name: "MPF", segments: JPEGBytes.segment(0xE2, Array("MPF\0II*\0\u{8}\0\0\0".utf8)), removed: [.mpf]),
        Case(
            name: "Adobe's gain map", segments: JPEGBytes.xmp("hdrgm:Version http://ns.adobe.com/hdr-gain-map/1.0/"),
            removed: [.xmp, .hdr]),
        Case(
            name: "ISO's gain map", segments: JPEGBytes.segment(0xE2, Array("urn:iso:std:iso:ts:21496:-1\0\0\0".utf8)),
            removed: [.hdr]),
        Case(
            name: "Apple's gain map", tail: Array("....urn:com:apple:photo:2020:aux:hdrgainmap....".utf8),
            removed: [.hdr, .trailing]),
        Case(name: "a film behind it", tail: apertureTail, removed: [.trailing]),
        Case(
            name: "JFXX thumbnail",
            segments: JPEGBytes.segment(0xE0, Array("JFXX\0\u{11}\u{1}\u{1}".utf8) + [0, 0, 0, 0]),
            removed: [.thumbnail]),
        Case(name: "an unknown segment", segments: JPEGBytes.segment(0xE7, Array("whoever".utf8)), removed: [.other]),
    ]

    @Test(arguments: cases)
    func `each kind by itself, at every quality`(of example: Case) throws {
        let studio = try Studio.open()
        let source = try tagged(example, studio)
        for quality in Quality.allCases {
            let prepared = try studio.prepare(source, quality)
            // exiftool adds resolution and the like to the tags it is asked for.
            #expect(Set(prepared.picture.removed).subtracting([.exif]) == Set(example.removed).subtracting([.exif]))
            #expect(prepared.picture.removed == prepared.picture.removed.sorted())
            try expectClean(prepared.path, studio)
        }
    }

    private func tagged(_ example: Case, _ studio: Studio) throws -> String {
        let bytes = JPEGBytes.inserting(example.segments, into: try studio.bytes("baseline")) + example.tail
        let path = try studio.file(bytes)
        if !example.tags.isEmpty { try Tool.run("exiftool", ["-overwrite_original"] + example.tags + [path]) }
        return path
    }

    @Test func `all of it at once, with a thumbnail and maker's notes of a real kind`() throws {
        let studio = try Studio.open()
        let thumbnail = try studio.file(try studio.bytes("small"))
        let path = try studio.file(try studio.bytes("progressive"))
        try Tool.run(
            "exiftool",
            [
                "-overwrite_original", "-Make=Canon", "-GPSLatitude=1", "-XMP-dc:Title=t", "-IPTC:City=c", "-Comment=c",
                "-Orientation#=6", "-ThumbnailImage<=\(thumbnail)", path,
            ])
        for quality in Quality.allCases {
            let prepared = try studio.prepare(path, quality)
            #expect(
                prepared.picture.removed.filter { $0 != .exif } == [.gps, .camera, .thumbnail, .xmp, .iptc, .comment])
            try expectClean(prepared.path, studio, orientation: prepared.picture.treatment == .compressed ? nil : 6)
        }
    }

    @Test(arguments: [true, false])
    func `maker's notes are named, from either byte order`(isBigEndian: Bool) throws {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            let bytes = (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) }
            return isBigEndian ? bytes.reversed() : bytes
        }
        func entry(_ tag: Int, _ type: Int, _ value: Int) -> [UInt8] {
            number(tag, 2) + number(type, 2) + number(1, 4) + number(value, type == 3 ? 2 : 4)
                + (type == 3 ? [0, 0] : [])
        }
        var tiff = Array((isBigEndian ? "MM" : "II").utf8) + number(42, 2) + number(8, 4)
        tiff += number(2, 2) + entry(0x0112, 3, 3) + entry(0x8769, 4, 38) + number(0, 4)
        tiff += number(1, 2) + entry(0x927C, 7, 0) + number(0, 4)
        let studio = try Studio.open()
        let segment = JPEGBytes.segment(0xE1, Array("Exif\0\0".utf8) + tiff)
        let prepared = try studio.prepare(JPEGBytes.inserting(segment, into: try studio.bytes("small")), .original)
        #expect(prepared.picture.removed == [.makernote])
        try expectClean(prepared.path, studio, orientation: 3)
    }

    @Test func `EXIF that lies about itself is left out without harm`() throws {
        let studio = try Studio.open()
        let picture = try studio.bytes("small")
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            var tiff = Array("II*\0\u{8}\0\0\0".utf8) + (0..<60).map { _ in UInt8.random(in: 0...255, using: &random) }
            if Bool.random(using: &random) {
                tiff.replaceSubrange(8..<10, with: [UInt8.random(in: 0...9, using: &random), 0])
            }
            if Bool.random(using: &random) { tiff.replaceSubrange(10..<14, with: [0x69, 0x87, 4, 0]) }
            let segment = JPEGBytes.segment(0xE1, Array("Exif\0\0".utf8) + tiff)
            _ = try studio.prepare(JPEGBytes.inserting(segment, into: picture), .original)
        }
    }

    /// exiftool finds nothing but what every file has, JFIF, a profile, and the one orientation.
    private func expectClean(_ path: String, _ studio: Studio, orientation: Int? = nil) throws {
        let output = studio.newPath("json")
        try Tool.run("exiftool", ["-j", "-G1", "-a", "-u", "-n", path], output: output)
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: output)))
        let tags = try #require((json as? [[String: Any]])?.first)
        let allowedGroups: Set = ["SourceFile", "ExifTool", "System", "JFIF", "Composite", "ICC-header", "ICC_Profile"]
        let allowedFileTags: Set = [
            "FileType", "FileTypeExtension", "MIMEType", "ExifByteOrder", "ImageWidth", "ImageHeight",
            "EncodingProcess",
            "BitsPerSample", "ColorComponents", "YCbCrSubSampling",
        ]
        for name in tags.keys {
            let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
            let isFine =
                switch parts[0] {
                case "File": allowedFileTags.contains(parts[1])
                case "IFD0": parts[1] == "Orientation" && orientation != nil
                default: allowedGroups.contains(parts[0])
                }
            #expect(isFine, "\(name)")
        }
        #expect(tags["IFD0:Orientation"] as? Int == orientation)
    }
}

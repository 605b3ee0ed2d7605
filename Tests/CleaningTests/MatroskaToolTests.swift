import Files
import Foundation
import Testing

@testable import Cleaning

/// A film with everything that MKVToolNix can put into one.
@Suite(.enabled(if: Program.areInstalled("ffmpeg", "mkvmerge"), "ffmpeg or MKVToolNix is not installed"))
struct MatroskaToolTests {
    private static let chapters = "CHAPTER01=00:00:00.000\nCHAPTER01NAME=PLANTED\n"
    private static let subtitles = "1\n00:00:00,000 --> 00:00:00,500\nHello\n"
    private static let tags = """
        <?xml version="1.0"?><Tags><Tag><Targets/><Simple><Name>LOCATION</Name><String>52.5200</String></Simple></Tag>
        </Tags>
        """

    /// What `mkvmerge -J` tells of a film.
    private struct Description: Decodable {
        struct Part: Decodable {}
        struct Track: Decodable { let type: String }
        let attachments: [Part]
        let chapters: [Part]
        let globalTags: [Part]
        let trackTags: [Part]
        let tracks: [Track]
        let errors: [String]
        let warnings: [String]
    }

    @Test func `tracks stay, and chapters, attachments, tags and names go`() throws {
        let folder = try TestFolder()
        for (name, text) in [
            ("chapters", Self.chapters), ("a.srt", Self.subtitles), ("tags", Self.tags), ("attached.txt", "PLANTED"),
        ] {
            _ = try folder.file(Array(text.utf8), named: name)
        }
        _ = try Program.run(
            "ffmpeg",
            [
                "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=1", "-f",
                "lavfi", "-i", "sine=duration=1", "-c:v", "libvpx", "-c:a", "libvorbis", "a.webm",
            ], in: folder.path)
        _ = try Program.run(
            "mkvmerge",
            [
                "-q", "-o", "a.mkv", "--title", "PLANTED", "--chapters", "chapters", "--attach-file", "attached.txt",
                "--global-tags", "tags", "--track-name", "0:PLANTED", "a.webm", "a.srt",
            ], in: folder.path)
        let input = try OpenFile("\(folder.path)/a.mkv", .read)
        let file = try Matroska.clean(try SourceBytes(input))
        #expect(file.removed.isSuperset(of: [.text, .gps, .time, .encoder, .other]))
        let output = try OpenFile("\(folder.path)/clean.mkv", .create(permissions: 0o600))
        try file.copy.write(from: input, to: output)
        let bytes = try TestFolder.bytes(of: output)
        for planted in ["PLANTED", "52.52", "mkvmerge", "libmatroska", "Lavf"] {
            #expect(!bytes.contains(planted), "\(planted)")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let text = try Program.run("mkvmerge", ["-J", "clean.mkv"], in: folder.path)
        let found = try decoder.decode(Description.self, from: Data(text.utf8))
        #expect(found.tracks.map(\.type) == ["video", "audio", "subtitles"])
        #expect(found.errors.isEmpty && found.warnings.isEmpty && found.chapters.isEmpty)
        #expect(found.attachments.isEmpty && found.globalTags.isEmpty && found.trackTags.isEmpty)
        func packets(_ name: String) throws -> [Substring] {
            let lines = try Program.run(
                "ffmpeg",
                ["-v", "error", "-nostdin", "-i", name, "-map", "0:v", "-map", "0:a", "-map", "0:s"]
                    + ["-c", "copy", "-f", "framemd5", "-"], in: folder.path
            ).split(separator: "\n")
            // Comments tell of what describes the codecs, which loses its texts.
            return lines.filter { !$0.hasPrefix("#") }
        }
        #expect(try packets("a.mkv") == packets("clean.mkv"))
    }
}

import Imaging
import Testing

@Suite
struct MediaTypeTests {
    @Test(arguments: [
        ("\u{FF}\u{D8}\u{FF}\u{E0}", "image/jpeg"), ("\u{89}PNG\r\n\u{1A}\n", "image/png"),
        ("GIF89a..", "image/gif"), ("RIFF....WEBPVP8 ", "image/webp"), ("RIFF....WAVEfmt ", "audio/wav"),
        ("....ftypheic", "image/heic"), ("....ftypmif1", "image/heif"), ("....ftypavif", "image/avif"),
        ("....ftypisom", "video/mp4"), ("....ftypqt  ", "video/quicktime"), ("....ftypM4A ", "audio/mp4"),
        ("%PDF-1.7", "application/pdf"), ("fLaC\0\0\0\"", "audio/flac"), ("ID3\u{4}", "audio/mpeg"),
        ("PK\u{3}\u{4}....", "application/zip"),
        ("OggS" + String(repeating: "\0", count: 24) + "OpusHead", "audio/ogg"),
        ("\u{1A}E\u{DF}\u{A3}....................webm", "video/webm"),
        ("\u{1A}E\u{DF}\u{A3}....", "video/matroska"),
        ("plain words\n", "text/plain"), ("", "application/octet-stream"), ("a\0b", "application/octet-stream"),
        ("RIFF", "text/plain"), ("\u{FF}\u{D8}", "application/octet-stream"),
        ("\u{FE}\u{FE}\u{FE}", "application/octet-stream"),
    ])
    func `signatures`(start: String, expected: String) {
        #expect(MediaType.sniff(start.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }) == expected)
    }

    @Test func `text may be cut in the middle of a character`() {
        let text = Array(String(repeating: "ü", count: 300).utf8)
        #expect(MediaType.sniff(Array(text.prefix(511))) == "application/octet-stream")
        #expect(MediaType.sniff([0x61] + text) == "text/plain")
    }
}

import MediaMessage
import TestSupport
import Testing

@Suite
struct SafeFileNameTests {
    @Test(arguments: [
        ("beach.jpg", "image/jpeg", "beach.jpg"), ("beach.JPEG", "image/jpeg", "beach.JPEG"),
        ("Strand bei Nacht.jpg", "image/jpeg", "Strand bei Nacht.jpg"), ("日本🏖️.png", "image/png", "日本🏖️.png"),
        ("e\u{301}.png", "image/png", "\u{e9}.png"),  // NFC
        ("../../etc/passwd", "image/jpeg", "_._.._etc_passwd.jpg"),
        ("..", "image/jpeg", "__.jpg"), (".", "text/plain", "_.txt"), ("...", "x/y", "_._"),
        ("/etc/passwd", "x/y", "_etc_passwd"), ("a\\b", "x/y", "a_b"),
        (".bashrc", "x/y", "_bashrc"), ("-rf", "x/y", "_rf"), ("a.", "x/y", "a_"), ("a ", "x/y", "a_"),
        ("a\u{a0}", "x/y", "a_"), ("a\u{0}b\nc\u{7f}\u{85}d", "x/y", "a_b_c__d"),
        ("photo\u{202e}gpj.exe", "image/jpeg", "photo_gpj.exe.jpg"),  // right-to-left override
        ("a\u{200b}b\u{feff}c\u{2066}d\u{2028}e", "x/y", "a_b_c_d_e"),
        ("beach.png", "image/jpeg", "beach.png.jpg"), ("beach.desktop", "video/mp4", "beach.desktop.mp4"),
        ("beach", "image/webp", "beach.webp"), ("beach.tar.gz", "application/gzip", "beach.tar.gz"),
        ("letter.docx", "application/zip", "letter.docx"), ("data.bin", "application/octet-stream", "data.bin"),
        ("", "image/jpeg", "media.jpg"), ("", "application/octet-stream", "media"),
        ("a/.\u{301}", "x/y", "a_.\u{301}"),
        ("a\u{10ff9b}b\u{10ffff}", "x/y", "a_b_"),  // what paths write for bytes that are not UTF-8
    ])
    func `is the hint made harmless`(_ hint: String, _ type: String, _ expected: String) {
        let name = safeFileName(hint: hint, mediaType: type)
        #expect(Array(name.unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test func `is there even without a hint`() {
        #expect(safeFileName(hint: nil, mediaType: "image/png") == "media.png")
    }

    @Test func `is cut to 200 bytes between characters, and keeps its extension`() {
        let long = safeFileName(hint: String(repeating: "👩‍👩‍👧", count: 100) + ".jpeg", mediaType: "image/jpeg")
        #expect(long.utf8.count <= 200 && long.utf8.count > 150 && long.hasSuffix(".jpeg"))
        let typed = safeFileName(hint: String(repeating: "ä", count: 300), mediaType: "image/jpeg")
        #expect(typed == String(repeating: "ä", count: 98) + ".jpg")
        let dotted = safeFileName(hint: String(repeating: "a. ", count: 300), mediaType: "x/y")
        #expect(dotted.utf8.count <= 200 && !dotted.hasSuffix(" ") && !dotted.hasSuffix("."))
        let cluster = safeFileName(hint: "e" + String(repeating: "\u{330}", count: 2000), mediaType: "image/jpeg")
        #expect(cluster == "media.jpg")
    }

    @Test func `is harmless, whatever the hint`() {
        var generator = SeededGenerator(seed: 5)
        let alphabet: [Unicode.Scalar] = [
            "/", "\\", ".", "-", " ", "\u{0}", "\n", "\u{202e}", "\u{301}", "a", "é", "🏖", "\u{200d}", "\u{2028}", "j",
            "p", "g",
        ]
        for _ in 0..<2_000 {
            var hint = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...120, using: &generator) {
                hint.append(alphabet.randomElement(using: &generator) ?? "a")
            }
            for type in ["image/jpeg", "x/y"] {
                let name = safeFileName(hint: String(hint), mediaType: type)
                let scalars = name.unicodeScalars
                #expect(!name.isEmpty && name.utf8.count <= 200)
                #expect(scalars.first != "." && scalars.first != "-" && scalars.last != "." && scalars.last != " ")
                #expect(!scalars.contains { $0 == "/" || $0 == "\\" || $0.properties.generalCategory == .control })
                #expect(!scalars.contains { $0.properties.generalCategory == .format })
            }
        }
    }

    @Test func `and other words of a stranger are shown without what could move the cursor or turn the line`() {
        #expect(printable("a\u{1b}[2Jb\u{202e}c") == "a_[2Jb_c")
    }
}

import Foundation
import MediaMessage
import TestSupport
import Testing

/// A line of the file of hints and the names that all who save files make of them.
struct NameVector: Decodable, Sendable, CustomTestStringConvertible {
    let hint: String?, type: String, name: String

    var testDescription: String { "\(name.prefix(60)), of type \(type)" }

    static var all: [NameVector] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/names.json")
        return (try? JSONDecoder().decode([NameVector].self, from: Data(contentsOf: file))) ?? []
    }
}

@Suite
struct SafeFileNameTests {
    @Test(arguments: NameVector.all)
    func `is the hint made harmless`(_ vector: NameVector) {
        let name = safeFileName(hint: vector.hint, mediaType: vector.type)
        #expect(Array(name.unicodeScalars) == Array(vector.name.unicodeScalars))
    }

    @Test func `is made of many hints`() { #expect(NameVector.all.count >= 44) }

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

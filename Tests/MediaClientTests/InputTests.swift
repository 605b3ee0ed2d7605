import Blobs
import Files
import Foundation
import TestSupport
import Testing

@testable import MediaClient

/// Names for what arrives, bounds for what is read, and durations as people write them.
@Suite
struct InputTests {
    @Test(arguments: [
        ("beach.jpg", 2, "beach (2).jpg"), ("notes.tar.gz", 3, "notes (3).tar.gz"), ("README", 2, "README (2)"),
        ("a.b.c", 10, "a.b (10).c"), (".hidden", 2, ".hidden (2)"),
        ("v1.0 of the plan, which is long", 2, "v1.0 of the plan, which is long (2)"),
        (String(repeating: "x", count: 196) + ".jpg", 2, String(repeating: "x", count: 192) + " (2).jpg"),
        (String(repeating: "é", count: 98) + ".jpg", 1000, String(repeating: "é", count: 94) + " (1000).jpg"),
        (String(repeating: "👩‍👩‍👧‍👦", count: 8), 2, String(repeating: "👩‍👩‍👧‍👦", count: 7) + " (2)"),
    ])
    func `a number comes before the extension, and whole characters make room for it`(
        name: String, number: Int, numbered: String
    ) {
        #expect(FreeName.numbered(name, number) == numbered)
        #expect(FreeName.numbered(name, number).utf8.count <= 200)
    }

    @Test func `after a thousand names it is given up`() {
        let paths = Array(FreeName(folder: "in/", name: "a.txt").paths)
        #expect(paths.count == 1000 && paths.prefix(2) == ["in/a.txt", "in/a (2).txt"])
        #expect(Set(paths).count == 1000 && FreeName(folder: ".", name: "a").path == "a")
    }

    @Test func `a stream is bounded by what it is, by the disk, and by who takes it`() {
        #expect(StreamBound.bytes(isDevice: true, freeBytes: .max, limitBytes: .max) == 64 << 20)
        #expect(StreamBound.bytes(isDevice: false, freeBytes: .max, limitBytes: 7) == 7)
        #expect(StreamBound.bytes(isDevice: false, freeBytes: 5 << 30, limitBytes: .max) == (5 << 30) / 2 - (256 << 20))
        #expect(StreamBound.bytes(isDevice: false, freeBytes: 1, limitBytes: .max) == 0)
    }

    @Test(arguments: [(0, true), (99, false), (100, true), (101, true)])
    func `a copy ends at its bound, and says whether that was all`(limit: Int64, isWhole: Bool) throws {
        let folder = try TemporaryFolder()
        try write([UInt8](repeating: 1, count: limit == 0 ? 0 : 100), toFile: folder.path("from"))
        let source = try OpenFile(folder.path("from"), .read)
        let target = try OpenFile(folder.path("to"), .create(permissions: 0o600))
        #expect(try source.copy(to: target, limitBytes: limit) == isWhole)
        #expect(try target.size() <= limit)
    }

    @Test(arguments: [
        ("30", "30d for days"), ("0030", "0030d for days"), ("", "is not a duration"),
        ("1j", "units are s, m, h, d, w and y"),
        ("0d", "the shortest duration is 1s"), ("0", "the shortest duration is 1s"), ("00s", "is no time at all"),
        ("s", "is not a duration"), ("-1d", "is not a duration"),
    ])
    func `a duration without its unit, or without sense, is refused with a hint`(text: String, words: String) {
        let refusal = #expect(throws: WrittenDuration.Refusal.self) { try WrittenDuration.parse(text) }
        #expect(refusal?.description.contains(words) == true, "\(String(describing: refusal))")
    }

    @Test(arguments: [
        ("45s", 45), ("90m", 5400), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600), ("1y", 31_536_000),
    ])
    func `six units are known`(text: String, seconds: Int64) throws {
        #expect(try WrittenDuration.parse(text).seconds == seconds)
    }

    @Test func `of a ticket is shown what it says of itself, and never the ticket`() throws {
        let claims = Base64URL.encode(#"{"exp":1800000000,"max_size":5000000,"max_lifetime":86400,"sub":"ada"}"#.utf8)
        let look = TicketLook("e30.\(claims).c2ln", place: "the file x")
        #expect(look.expires?.seconds == 1_800_000_000 && look.largestBytes == 5_000_000)
        #expect(look.longestLifetime?.seconds == 86_400)
        #expect(!"\(look)".contains(claims) && !"\(look)".contains("ada"))
        for word in ["local-word", "a.b.c", "a.!.c", "..", "e30.\(Base64URL.encode("[1]".utf8)).x"] {
            let look = TicketLook(word, place: "p")
            #expect(look.expires == nil && look.largestBytes == nil && look.longestLifetime == nil)
        }
    }
}

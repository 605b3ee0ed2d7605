import BlobHTTP
import Blobs
import HTTPTypes
import Store
import Testing

@testable import Tickets

/// What is read of a slot's target and word, without a server.
@Suite struct SlotWordTests {
    private let now = Timestamp(seconds: 1_800_000_000)
    private let office = SlotOffice()

    private func slot(_ encoded: String) -> SlotPath? { SlotPath(door: "chat", encoded: encoded) }

    private func open(
        _ query: String, _ path: SlotPath, size: Int64, type: String? = nil, secrets: [SlotSecret]? = nil,
        fields: HTTPFields = [:]
    ) throws(SlotRefusal) -> SlotGrant? {
        let word = SlotWord(fields, target: "/slots/chat/x\(query)")
        return try word?.grant(
            for: path, size: size, contentType: type, secrets: secrets ?? office.doors.secrets(of: "chat"), now: now)
    }

    @Test func `the vectors of the chat servers are what they are`() throws {
        let path = try #require(slot("foo/bar.jpg"))
        let secrets = [SlotSecret(ofAnyLength: Array("secret string".utf8))]
        let v = "e6df55a04516617d6a86ad6ca23879819591085a1a8c0041f4da06824f5d2db7"
        let v2 = "a19d27add075aa60035e27c05e794f13079ba48c508852b3d7160a6bec0f85ab"
        #expect(try open("?v=\(v)", path, size: 1_048_576, secrets: secrets) == SlotGrant(user: nil, end: nil))
        for type in ["image/jpeg", "image/png", nil] {
            // The extension says it too.
            #expect(try open("?v2=\(v2)", path, size: 1_048_576, type: type, secrets: secrets) != nil)
            #expect(try open("?token=\(v2)", path, size: 1_048_576, type: type, secrets: secrets) != nil)
        }
        for (query, size) in [("v=\(v)", 1_048_577), ("v2=\(v)", 1_048_576), ("v=\(v2)", 1_048_576)] {
            #expect(throws: SlotRefusal.unsigned) {
                try open("?\(query)", path, size: Int64(size), type: "image/jpeg", secrets: secrets)
            }
        }
        #expect(throws: SlotRefusal.unsigned, "no secret, no upload") {
            try open("?v=\(v)", path, size: 1_048_576, secrets: [])
        }
    }

    @Test func `spellings of one path are one slot, and every door has its own`() throws {
        let spellings = ["s/F%C3%BC+b%26.jpg", "s/F%c3%bc+b&.jpg", "s/Fü%2bb%26%2Ejpg", "%73/F%C3%Bc%2Bb&.jpg"]
        let names = Set(try spellings.map { try #require(slot($0)).name })
        #expect(names.count == 1)
        #expect(try #require(slot(spellings[0])).text == "s/Fü+b&.jpg")
        #expect(SlotPath(door: "other", encoded: spellings[0])?.name != names.first)
        #expect(slot("s/Fu%CC%88+b&.jpg")?.name != names.first, "another way to compose a letter is another name")
        let bytes = Array("satchel-slot\0chat\0s/a.jpg".utf8)
        #expect(slot("s/a.jpg")?.name == AliasName(hashing: bytes))
    }

    @Test(arguments: [
        "", "/", "a//b", "a/", "/a", ".", "..", "a/../b", "a/%2e%2E/b", "a/./b", "a%", "a%4", "a%zz", "a%00b", "a%0ab",
        "a%7F", "a%C2%80", "%ff", "%c3", "a%2F%2Fb", String(repeating: "a", count: 1025),
    ]) func `a malformed path is none`(encoded: String) {
        #expect(slot(encoded) == nil)
    }

    @Test func `a target is taken apart at its first question mark`() throws {
        let longest = String(repeating: "a", count: 1024)
        #expect(SlotPath.parse(target: "/slots/chat/\(longest)?v=1")?.path?.text == longest)
        let parsed = try #require(SlotPath.parse(target: "/slots/chat-2_B/a/b.txt?v=/x?y"))
        #expect(parsed.door == "chat-2_B" && parsed.path?.text == "a/b.txt")
        let malformed = try #require(SlotPath.parse(target: "/slots/chat/"))
        #expect(malformed.door == "chat" && malformed.path == nil)
        let others = [
            "/slots", "/slots/", "/slots/chat", "/slots/chat?/x", "/slots//x", "/slots/ch%61t/x", "/slots/a.b/x",
            "slots/chat/x", "/slots/\(String(repeating: "a", count: 65))/x", "/Slots/chat/x",
        ]
        for target in others { #expect(SlotPath.parse(target: target) == nil, "\(target)") }
    }

    @Test func `only the first word that is there is looked at`() throws {
        let path = try #require(slot("s1/a.jpg"))
        let good = office.bearer(office.claims(size: 5, now: now))
        let bad = office.bearer(office.claims(size: 5, now: now), secret: String(repeating: "x", count: 40))
        let (v, v2) = (office.v("s1/a.jpg", 5).dropFirst(), office.v2("s1/a.jpg", 5, "image/jpeg").dropFirst())
        let table: [(query: String, token: String?, isGood: Bool)] = [
            ("?\(v)", nil, true), ("?\(v2)", nil, true), ("?\(v)&\(v2)", nil, true), ("?v=00&\(v2)", nil, true),
            ("?\(v)&v2=00", nil, false), ("?\(v)&token=00", nil, false), ("?\(v2)", bad.1, false),
            ("?v2=00", good.1, true), ("?\(v)", "Basic eA", true), ("?\(v)", "Bearer x", false),
        ]
        for (query, token, isGood) in table {
            let fields: HTTPFields = token.map { [.authorization: $0] } ?? [:]
            let found = try? open(query, path, size: 5, type: "image/jpeg", fields: fields)
            #expect((found != nil) == isGood, "\(query) \(token ?? "-")")
        }
        #expect(SlotWord([:], target: "/slots/chat/x") == nil && SlotWord([:], target: "/slots/chat/x?w=1") == nil)
    }

    @Test func `a code has one spelling`() throws {
        let path = try #require(slot("s1/a.jpg"))
        let code = String(office.v("s1/a.jpg", 5).dropFirst(3))
        for wrong in ["", String(code.dropLast()), code + "0", code.uppercased(), " \(code)", "0" + code.dropFirst()]
        where wrong != code {
            #expect(throws: SlotRefusal.unsigned) { try open("?v=\(wrong)", path, size: 5) }
        }
    }

    @Test func `types that clients send instead of the one they asked with are known`() throws {
        let table: [(file: String, asked: String, sent: String?, isGood: Bool)] = [
            ("a.pdf", "application/pdf", nil, true), ("a.m4a", "audio/mp4", "audio/x-m4a", true),
            ("a.bin", "application/octet-stream", "image/png", true), ("a", "image/png", "image/png", true),
            ("a.JPEG", "image/jpeg", "text/plain", true), ("a.jpg", "image/png", "image/jpeg", false),
            ("a", "image/png", nil, false), ("a.txt", "text/plain", nil, true), ("a.html", "text/html", nil, true),
        ]
        for (file, asked, sent, isGood) in table {
            let found = try? open(
                office.v2("s/\(file)", 5, asked), try #require(slot("s/\(file)")), size: 5, type: sent)
            #expect((found != nil) == isGood, "\(file) \(asked) \(sent ?? "-")")
        }
    }

    @Test func `a person is known by the digest in the path or the token, and by the address in the token`() throws {
        let user = SlotOffice.user
        #expect(try open(office.v("\(user)/a", 5), try #require(slot("\(user)/a")), size: 5)?.user == "xmpp:\(user)")
        for first in [user.uppercased(), String(user.dropLast()), "\(user)0"] {
            #expect(try open(office.v("\(first)/a", 5), try #require(slot("\(first)/a")), size: 5)?.user == nil)
        }
        // SHA-1 of the bare address.
        let ann = "xmpp:" + "0ed62d47d7a1e4ad8f9e2c9e3d8e1b4a5c6d7e8f"
        let names = ["ann@example.org", "ann@example.org/phone", "Ann@Example.ORG"].map { ChatUser.name(address: $0) }
        #expect(Set(names).count == 1 && names[0] != ann && names[0]?.utf8.count == 45)
        for none in ["ann", "@example.org", "ann@", "", "a@b@c"] { #expect(ChatUser.name(address: none) == nil) }
    }

    @Test func `a token has to be for this upload, in time, and signed as it must be`() throws {
        let path = try #require(slot("s1/a.jpg"))
        func judge(_ field: (String, String)) -> SlotRefusal? {
            do throws(SlotRefusal) {
                _ = try open("", path, size: 5, fields: [.authorization: field.1])
                return nil
            } catch { return error }
        }
        func claims(_ change: (inout String) -> Void = { _ in }) -> String {
            var text = office.claims(size: 5, now: now)
            change(&text)
            return text
        }
        let long = "\"x\":\"\(String(repeating: "y", count: 8000))\""
        let table: [(name: String, field: (String, String), refusal: SlotRefusal?)] = [
            ("good", office.bearer(claims()), nil),
            ("expired within the leeway", office.bearer(office.claims(size: 5, now: now, expires: -59)), nil),
            ("expired", office.bearer(office.claims(size: 5, now: now, expires: -60)), .expired),
            ("at most a day ahead", office.bearer(office.claims(size: 5, now: now, expires: 86_460)), nil),
            ("more than a day ahead", office.bearer(office.claims(size: 5, now: now, expires: 86_461)), .wrong),
            ("without exp", office.bearer(office.claims(size: 5, now: now, expires: nil)), .wrong),
            ("for more bytes", office.bearer(office.claims(size: 6, now: now)), .tooSmall(bytes: 6)),
            ("for fewer bytes", office.bearer(office.claims(size: 4, now: now)), .tooLarge(limitBytes: 4)),
            ("for less than nothing", office.bearer(office.claims(size: -1, now: now)), .wrong),
            ("of another slot", office.bearer(office.claims(slot: "s2", size: 5, now: now)), .wrong),
            ("of another file", office.bearer(office.claims(file: "b.jpg", size: 5, now: now)), .wrong),
            ("whose lease is over", office.bearer(office.claims(size: 5, now: now, end: 0)), .expired),
            ("of another algorithm", office.bearer(claims(), header: #"{"alg":"HS512"}"#), .unsigned),
            ("unsigned", office.bearer(claims(), header: #"{"alg":"none"}"#), .unsigned),
            ("with extensions", office.bearer(claims(), header: #"{"alg":"HS256","crit":[]}"#), .unsigned),
            ("of another key", office.bearer(claims(), secret: String(repeating: "k", count: 32)), .unsigned),
            ("no JSON", office.bearer("x"), .wrong), ("no size", office.bearer(#"{"exp":1}"#), .expired),
            ("too long", office.bearer(claims { $0.replace("{", with: "{\(long),") }), .unsigned),
            ("no token", ("Authorization", "Bearer a.b"), .unsigned),
            ("with numbers beyond reason", office.bearer(claims { $0.replace("{", with: "{\"expires\":1e308,") }), nil),
        ]
        for (name, field, refusal) in table { #expect(judge(field) == refusal, "\(name)") }
        let end = office.bearer(office.claims(size: 5, now: now, end: 100, sub: "ann@example.org/x"))
        let grant = try open("", path, size: 5, fields: [.authorization: end.1])
        #expect(grant?.end == Timestamp(seconds: now.seconds + 100))
        #expect(grant?.user != nil && grant?.user == ChatUser.name(address: "ann@example.org"))
    }

    @Test func `types are shown that nothing can run in, and all else is bytes`() {
        let table: [(path: String, type: String?)] = [
            ("a/b.jpg", "image/jpeg"), ("b.JPEG", "image/jpeg"), ("b.opus", "audio/ogg"), ("b.mov", "video/quicktime"),
            ("b.txt", "text/plain; charset=utf-8"), ("b.html", nil), ("b.svg", nil), ("b.pdf", nil), ("b", nil),
            (".jpg", nil), ("a.jpg/b", nil), ("b.jpg.aesgcm", nil), ("b.", nil), ("b.xhtml", nil),
        ]
        for (path, type) in table { #expect(SlotType(path: path)?.mediaType == type, "\(path)") }
    }
}

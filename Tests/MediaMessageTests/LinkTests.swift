import Blobs
import MediaMessage
import TestSupport
import Testing

@Suite
struct LinkTests {
    static let fragment = "v=1&k=\(Sample.key)&s=5244224&n=182344&t=image/jpeg"
    static let link = "https://media.example/files/open/\(Sample.hex)#\(fragment)&f=a%20%2B%20b.jpg"

    @Test func `carries what it takes to fetch and open`() throws {
        let message = try MediaLink.parse(Self.link + "\n")
        let address = try #require(BlobAddress(hex: Sample.hex))
        let expected = MediaMessage(
            url: BlobURL("https://media.example/files/\(Sample.hex)"), address: address, size: 5_244_224,
            key: [UInt8](0..<32), media: Media(type: "image/jpeg", size: 182_344, name: "a + b.jpg"))
        #expect(message == expected)
        #expect(try MediaLink.format(expected) == Self.link)
    }

    @Test func `carries what a page shows before the file is there, and what makes it safe`() throws {
        let full = try Sample.full()
        let link = try MediaLink.format(full)
        #expect(
            link == """
                https://media.example/open/\(Sample.hex)#\(Self.fragment)&f=beach%20%221%22.jpg&r=\(Sample.receipt)\
                &x=\(Sample.root)&w=1600&h=1200&b=AQIDBAU&e=1790000000&d=12.4
                """)
        var expected = full
        expected.mirrors = []
        expected.media.caption = nil
        expected.media.alt = nil
        expected.media.preview = nil
        expected.media.removed = []
        #expect(try MediaLink.parse(link) == expected)
    }

    @Test(arguments: [
        ("https://open.example", "u=https://media.example/files"),
        ("https://open.example/p/q", "u=https://media.example"),
        ("https://media.example", "u=https://media.example/files"), ("http://open.example:8080", "u=http://[::1]:8080"),
        ("https://open.example", "u=http://127.0.0.1"), ("https://open.example", "u=http://localhost:8080/a"),
    ])
    func `of a page elsewhere names the store, and leads to its blob`(_ page: String, _ field: String) throws {
        let store = String(field.dropFirst(2))
        var message = try MediaLink.parse(Self.link)
        message.url = BlobURL("\(store)/\(Sample.hex)")
        let base = try #require(BlobBase(page))
        let link = try MediaLink.format(message, page: base)
        #expect(link.hasPrefix("\(page)/open/\(Sample.hex)#v=1&"))
        #expect(link.hasSuffix("&" + field.replacing("[", with: "%5B").replacing("]", with: "%5D")))
        #expect(try MediaLink.parse(link) == message)
    }

    @Test func `of a page beside the store does not name it`() throws {
        let message = try MediaLink.parse(Self.link)
        #expect(try MediaLink.format(message, page: BlobBase("https://MEDIA.example/files")) == Self.link)
    }

    @Test func `of a page elsewhere is not made for a store that only plain http reaches`() throws {
        var message = try MediaLink.parse(Self.link)
        message.url = BlobURL("http://192.168.1.2/\(Sample.hex)")
        let page = try #require(BlobBase("https://open.example"))
        #expect(throws: MessageError.self) { try MediaLink.format(message, page: page) }
        #expect(try MediaLink.format(message).hasPrefix("http://192.168.1.2/open/"))
    }

    @Test(arguments: [
        "", "https://", "media.example", "https://media.example/", "https://media.example//a",
        "https://u@media.example",
        "https://media.example/a?b", "https://media.example/#a", "https://media.example/..", "ftp://media.example",
    ])
    func `has no base that is written in another way`(_ text: String) {
        #expect(BlobBase(text) == nil)
    }

    @Test(arguments: [
        String(link.prefix { $0 != "#" }), String(link.prefix { $0 != "#" }) + "#",
    ])
    func `that was cut where its key should come says so, and what to do`(_ text: String) throws {
        let error = #expect(throws: MessageError.cutLink) { try MediaLink.parse(text) }
        let sentence = try #require(error?.description)
        #expect(["after #", "chat apps", "shell", "quotes"].allSatisfy { sentence.contains($0) })
    }

    @Test func `that a shell cut at its first & says so`() throws {
        let error = #expect(throws: MessageError.cutBehindAmpersand) {
            try MediaLink.parse(String(Self.link.prefix { $0 != "&" }))
        }
        let sentence = try #require(error?.description)
        #expect(["missing behind &", "quotes", "shell"].allSatisfy { sentence.contains($0) })
    }

    @Test(arguments: [".", ",", ")", ">", "\"", "').", "”", ">\n"])
    func `with a mark behind its end is refused because of that`(_ marks: String) {
        let link = "\(Self.link)&e=1790000000"
        let rest = String(marks.filter { $0 != "\n" })
        #expect(throws: MessageError.trailing(rest)) { try MediaLink.parse(link + marks) }
        // What is wrong otherwise stays the reason.
        #expect(throws: MessageError.missing("s")) {
            try MediaLink.parse(link.replacing("&s=5244224", with: "") + marks.filter(\.isASCII))
        }
    }

    @Test(arguments: ["", "a b", "ä/ö&=#%+?.jpg", "日本.png", "x\u{0}\n"])
    func `comes back the same, whatever the name`(_ name: String) throws {
        var message = try MediaLink.parse(Self.link)
        message.media.name = name
        let link = try MediaLink.format(message)
        #expect(link.utf8.allSatisfy { (0x21...0x7e).contains($0) })
        #expect(try MediaLink.parse(link) == message)
    }

    @Test func `has a plus sign where it has one, and ignores what it does not know`() throws {
        let message = try MediaLink.parse("http://[::1]:8080/open/\(Sample.hex)#\(Self.fragment)&f=a+b&new=1&flag")
        #expect(message.media.name == "a+b")
        #expect(message.url?.description == "http://[::1]:8080/\(Sample.hex)")
    }

    @Test(arguments: [
        Refused(link.replacing("#", with: "?"), .notLink("it has no #, after which the key would be")),
        Refused("https://media.example/a", .notLink("it has no #, after which the key would be")),
        Refused(link.replacing("https:", with: "ftp:"), .notLink("it is not an http or https URL")),
        Refused(
            link.replacing("/open/", with: "/"),
            .notLink("its path does not end with /open/ and the address of a blob")),
        Refused(
            link.replacing("3f#", with: "3#"),
            .notLink("its path does not end with /open/ and the address of a blob")),
        Refused(link.replacing("#", with: "?a=b#"), .notLink("it is not an http or https URL")),
        Refused(link + "%", .notLink("its percent-encoding is invalid")),
        Refused(link + "%ff", .notLink("its percent-encoding is invalid")),  // not UTF-8
        Refused(link + "é", .notLink("it has characters that a link cannot have")),
        Refused(link + "&k=\(Sample.key)", .doubled("k")),
        Refused(link + "&%6B=\(Sample.key)", .doubled("k")),  // the same name, written otherwise
        Refused(link + "&z=1&z=2", .doubled("z")),  // unknown, and doubled all the same
        Refused(link.replacing("v=1", with: "v=2"), .version("2")),
        Refused(link.replacing("v=1&", with: ""), .missing("v")),
        Refused(link.replacing("&s=5244224", with: ""), .missing("s")),
        Refused(link.replacing("&t=image/jpeg", with: ""), .missing("t")),
        Refused(
            link.replacing("s=5244224", with: "s=05244224"),
            .invalid("s", "is not an integer from 0 to 2^53-1 in digits alone")),
        Refused(link.replacing("s=5244224", with: "s=87"), .invalid("size", "is not the size of a sealed blob")),
        Refused(
            link.replacing("n=182344", with: "n=-1"),
            .invalid("n", "is not an integer from 0 to 2^53-1 in digits alone")),
        Refused(
            link.replacing("n=182344", with: "n="),
            .invalid("n", "is not an integer from 0 to 2^53-1 in digits alone")),
        Refused(link.replacing(Sample.key, with: "AAAA"), .invalid("key", "is not 32 bytes long")),
        Refused(link.replacing(Sample.key, with: "A"), .invalid("k", "is invalid")),
        Refused(link.replacing("image/jpeg", with: "jpeg"), .invalid("media.type", "is not a media type")),
        Refused(link + "&r=\(Sample.key)", .invalid("r", "is invalid")),
        Refused(link + "&r=", .invalid("r", "is invalid")),
        Refused(link + "&x=\(Sample.receipt)", .invalid("x", "is invalid")),
        Refused(link + "&x=\(Sample.root.dropLast())9", .invalid("x", "is invalid")),  // spare bits that are not zero
        Refused(
            link.replacing("s=5244224", with: "s=65649") + "&x=\(Sample.root)",
            .invalid("size", "is not the size of a sealed blob with an index")),
        Refused(link + "&w=0", .invalid("media.width", "is not in 1…65535")),
        Refused(link + "&h=1.5", .invalid("h", "is not an integer from 0 to 2^53-1 in digits alone")),
        Refused(link + "&b=", .invalid("media.thumbhash", "is empty")),
        Refused(
            link + "&b=\(String(repeating: "A", count: 44))", .invalid("media.thumbhash", "has more than 32 bytes")),
        Refused(link + "&e=-1", .invalid("e", "is not an integer from 0 to 2^53-1 in digits alone")),
        Refused(link + "&d=-0", .invalid("d", "is invalid")),
        Refused(link + "&d=%201", .invalid("d", "is invalid")),
        Refused(link + "&d=.5", .invalid("d", "is invalid")),
        Refused(link + "&d=1e999", .invalid("d", "is invalid")),
        Refused(link + "&d=inf", .invalid("d", "is invalid")),
        Refused(link + "&d=1.234", .invalid("d", "is invalid")),
        Refused(link + "&d=01", .invalid("d", "is invalid")),
        Refused(link + "&d=9007199254740992", .invalid("d", "is invalid")),
        Refused(link + "&u=https://media.example/", .invalid("u", "is invalid")),
        Refused(link + "&u=media.example", .invalid("u", "is invalid")),
        Refused(link + "&u=", .invalid("u", "is invalid")),
        Refused(link + "&u=http://media.example", .invalid("u", "is neither https nor on this machine")),
        Refused(link + String(repeating: "x", count: 4096), .tooLong(bytesOver: link.utf8.count)),
    ])
    func `is refused`(_ refused: Refused) {
        #expect(throws: refused.error) { try MediaLink.parse(refused.text) }
    }

    @Test func `of random changes is read or refused, and never a crash`() throws {
        let original = Array(Self.link.utf8)
        var generator = SeededGenerator(seed: 6)
        let odd = Array("%&=#/:@?[]. +2eE0".utf8)
        for _ in 0..<1_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = odd.randomElement(using: &generator) ?? 0
                case 1: bytes.remove(at: place)
                default: bytes.insert(odd.randomElement(using: &generator) ?? 0, at: place)
                }
            }
            guard let message = try? MediaLink.parse(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(try MediaLink.parse(MediaLink.format(message)) == message)
        }
    }

    @Test func `is not made of a message that says no place`() throws {
        var message = try Sample.full()
        message.url = nil
        #expect(throws: MessageError.missing("url")) { try MediaLink.format(message) }
    }

    @Test func `and a message are told apart by how they begin`() throws {
        #expect(try MediaMessage.read(" \n" + Self.link).media.name == "a + b.jpg")
        #expect(try MediaMessage.read(" \n" + Sample.json()).media.name == nil)
        #expect(throws: MessageError.notLink("it has characters that a link cannot have")) {
            try MediaMessage.read("photo 1.jpg")
        }
    }
}

@Suite
struct BlobURLTests {
    @Test(arguments: [
        "https://media.example/\(Sample.hex)", "http://127.0.0.1:8080/\(Sample.hex)",
        "https://media.example/\(Sample.hex).jpg", "https://media.example/\(Sample.hex).0123456789abcdeF",
        "https://a/b/c%20d/e:f@g;h=i,j/\(Sample.hex)", "https://x-1.y_2.example/\(Sample.hex)",
        "https://[2001:db8::1]/\(Sample.hex)", "https://[::ffff:192.0.2.1]:65535/\(Sample.hex)",
        "https://[1:2:3:4:5:6:7:8]/\(Sample.hex)", "https://[::]/\(Sample.hex)",
        "https://[1:2:3:4:5:6:7::]/\(Sample.hex)",
    ])
    func `is read`(_ text: String) {
        #expect(BlobURL(text)?.description == text)
    }

    @Test func `is compared by scheme, host and port`() throws {
        let url = try #require(BlobURL("HTTPS://Media.Example:8443/a/\(Sample.hex).bin"))
        #expect(url.origin == "https://media.example:8443" && url.authority == "media.example:8443")
        #expect(url.path == "/a/\(Sample.hex).bin" && url.fileExtension == "bin" && url.folders == ["a"])
        #expect(BlobURL("https://a/\(Sample.hex)")?.origin == BlobURL("https://A:443/x/\(Sample.hex)")?.origin)
        #expect(BlobURL("http://a/\(Sample.hex)")?.port == 80)
    }

    @Test(arguments: [
        "", "https", "https:", "https://", "https:///\(Sample.hex)", "//media.example/\(Sample.hex)",
        "https:/media.example/\(Sample.hex)", "file:///\(Sample.hex)", "javascript://a/\(Sample.hex)",
        "https://media.example", "https://media.example/", "https://media.example/\(Sample.hex)/",
        "https://media.example/x", "https://media.example/\(Sample.hex.dropLast())",
        "https://media.example/\(Sample.hex.uppercased())", "https://media.example/0\(Sample.hex)",
        "https://media.example/\(Sample.hex).", "https://media.example/\(Sample.hex).a.b",
        "https://media.example/\(Sample.hex).0123456789abcdefg", "https://media.example/\(Sample.hex).j%70g",
        "https://user@media.example/\(Sample.hex)", "https://user:secret@media.example/\(Sample.hex)",
        "https://media.example@evil.example/\(Sample.hex)",
        "https://media.example/\(Sample.hex)?x=1", "https://media.example/\(Sample.hex)#k",
        "https://media.example?/\(Sample.hex)",
        "https://media.example\\@evil.example/\(Sample.hex)", "https://media.example/a\\b/\(Sample.hex)",
        "https://media.example//\(Sample.hex)", "https://media.example/./\(Sample.hex)",
        "https://media.example/a/../\(Sample.hex)",
        "https://media.example/%2e%2E/\(Sample.hex)",  // .. in another spelling
        "https://media.example/a%/\(Sample.hex)", "https://media.example/a%2/\(Sample.hex)",
        "https://media.example/a b/\(Sample.hex)",
        "https://media.example:/\(Sample.hex)", "https://media.example:0/\(Sample.hex)",
        "https://media.example:080/\(Sample.hex)",
        "https://media.example:65536/\(Sample.hex)", "https://media.example:-1/\(Sample.hex)",
        "https://media.example:8a/\(Sample.hex)",
        "https://media..example/\(Sample.hex)", "https://media.example./\(Sample.hex)",
        "https://-a.example/\(Sample.hex)",
        "https://mediä.example/\(Sample.hex)", "https://media%2eexample/\(Sample.hex)", "https://a,b/\(Sample.hex)",
        "https://\(String(repeating: "a", count: 64)).example/\(Sample.hex)",
        "https://[::1/\(Sample.hex)", "https://[]/\(Sample.hex)", "https://[::1]x/\(Sample.hex)",
        "https://[1:2]/\(Sample.hex)",
        "https://[1::2::3]/\(Sample.hex)", "https://[::12345]/\(Sample.hex)",
        "https://[1:2:3:4:5:6:7:8:9]/\(Sample.hex)",
        "https://[1:2:3:4:5:6:7:8::]/\(Sample.hex)", "https://[fe80::1%25eth0]/\(Sample.hex)",
        "https://[::1.2.3]/\(Sample.hex)",
        "https://[::256.0.0.1]/\(Sample.hex)", "https://[:::1]/\(Sample.hex)", "https://[v1.a]/\(Sample.hex)",
        " https://media.example/\(Sample.hex)", "https://media.example/\(Sample.hex)\n",
        "https://media.example/\(Sample.hex)\u{301}",
        "https://media.example/\(String(repeating: "a", count: 2000))/\(Sample.hex)",
    ])
    func `is refused`(_ text: String) {
        #expect(BlobURL(text) == nil)
    }
}

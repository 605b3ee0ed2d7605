import Blobs
import MediaMessage
import TestSupport
import Testing

/// A text that is refused, and the error that says why.
struct Refused: Sendable, CustomTestStringConvertible {
    let text: String
    let error: MessageError
    var testDescription: String { String(text.prefix(300)) }

    init(_ text: String, _ error: MessageError) {
        self.text = text
        self.error = error
    }

    /// A message in which one field holds something else.
    static func field(_ name: String, _ value: String?, _ error: MessageError) -> Refused {
        Refused(Sample.json([(name, value)]), error)
    }

    static func invalid(_ name: String, _ value: String, _ why: String) -> Refused {
        field(name, value, .invalid(name, why))
    }

    static func media(_ member: String, _ field: String, _ why: String) -> Refused {
        Refused(Sample.json(media: member), .invalid("media." + field, why))
    }
}

@Suite
struct ParsingTests {
    @Test func `is read, every field of it`() throws {
        let message = try MediaMessage(
            parsing: """
                {"v":1, "url":"https://media.example/\(Sample.hex)", "mirrors":["http://[::1]:8080/x/\(Sample.hex).jpg"],
                 "sha256":"\(Sample.hex)", "size":5244224, "root":"\(Sample.root)", "expires":1790000000,
                 "key":"\(Sample.key)",
                 "receipt":"\(Sample.receipt)", "new":{"deeper":[{"still":-1.5e+3}]}, "also":null,
                 "media":{"type":"image/jpeg", "size":182344, "name":"beach.jpg", "caption":"\\u00e9\\ud83d\\ude00/\\/\\n",
                  "alt":"", "width":65535, "height":1, "duration":1.24e1, "thumbhash":"AQID", "preview":"_9j_2Q",
                  "removed":["gps","camera","thumbnail"], "unknown":[true,false,null,"",[]]}}

                """)
        #expect(message.url?.description == "https://media.example/\(Sample.hex)")
        #expect(message.mirrors.map(\.description) == ["http://[::1]:8080/x/\(Sample.hex).jpg"])
        #expect(message.address.hex == Sample.hex)
        #expect(message.size == 5_244_224)
        #expect(message.root?.bytes == Array(32..<64))
        #expect(message.expires == Timestamp(seconds: 1_790_000_000))
        #expect(message.key == Array(0..<32))
        #expect(message.receipt?.bytes == Array(0..<16))
        let media = Media(
            type: "image/jpeg", size: 182_344, name: "beach.jpg", caption: "é😀//\n", alt: "", width: 65_535, height: 1,
            duration: 12.4, thumbhash: [1, 2, 3], preview: [0xff, 0xd8, 0xff, 0xd9],
            removed: ["gps", "camera", "thumbnail"])
        #expect(message.media == media)
    }

    @Test func `needs only what it needs`() throws {
        let message = try MediaMessage(parsing: Sample.json())
        #expect(message.expires == nil && message.receipt == nil && message.mirrors.isEmpty && message.root == nil)
        #expect(message.media == Media(type: "image/jpeg", size: 182_344))
    }

    @Test func `has no URL only where the blob is in hand`() throws {
        let text = Sample.json([("url", nil)])
        #expect(throws: MessageError.missing("url")) { try MediaMessage(parsing: text) }
        #expect(try MediaMessage(parsing: text, requiresLocation: false).url == nil)
    }

    @Test(
        arguments: [
            .field("v", nil, .missing("v")), .field("sha256", nil, .missing("sha256")),
            .field("size", nil, .missing("size")), .field("key", nil, .missing("key")),
            .field("media", nil, .missing("media")),
            .field("media", #"{"size":1}"#, .missing("media.type")),
            .field("media", #"{"type":"image/jpeg"}"#, .missing("media.size")),
            .field("v", "2", .version("2")), .field("v", "1.0", .version("1.0")),
            .field("v", "10e-1", .version("10e-1")),
            .invalid("v", "\"1\"", "is not a number"),
            .invalid("url", "null", "is not a string"),
            .invalid("url", "\"ftp://media.example/\(Sample.hex)\"", "is invalid"),
            .invalid(
                "url", "\"https://media.example/\(String(repeating: "4f", count: 32))\"",
                "does not end with the address in \"sha256\""),
            .invalid("mirrors", "[\"https://a/\"]", "has an invalid element"),
            .invalid("mirrors", "[1]", "has an invalid element"),
            .invalid("mirrors", "{}", "is not an array"),
            .invalid(
                "mirrors", "[\(Array(repeating: "\"\(Sample.url)\"", count: 9).joined(separator: ","))]",
                "has more than 8 URLs"),
            .invalid("sha256", "\"\(Sample.hex.uppercased())\"", "is invalid"),
            .invalid("sha256", "\"\(Sample.hex.dropLast())\"", "is invalid"),
            .invalid("size", "87", "is not the size of a sealed blob"),
            // One byte of a second chunk, or a chunk with an index.
            .field("size", "65617", .invalid("media.size", "does not fit in a blob of 65617 bytes")),
            Refused(
                Sample.json([("root", "\"\(Sample.root)\""), ("size", "65649")]),  // of a plain blob only
                .invalid("size", "is not the size of a sealed blob with an index")),
            Refused(
                Sample.json([
                    ("root", "\"\(Sample.root)\""), ("size", "5246784"),
                    ("media", #"{"type":"image/jpeg","size":5242873}"#),  // a plain blob would hold it
                ]),
                .invalid("media.size", "does not fit in a blob of 5246784 bytes")),
            .invalid("root", "\"\(Sample.root.dropLast())\"", "is invalid"),
            .invalid("root", "\"\(Sample.receipt)\"", "is invalid"),
            .invalid("root", "7", "is not a string"),
            .invalid("size", "9007199254740992", "is not an integer from 0 to 2^53-1 in digits alone"),
            .invalid("size", "99999999999999999999", "is not an integer from 0 to 2^53-1 in digits alone"),
            .invalid("size", "5244224.0", "is not an integer from 0 to 2^53-1 in digits alone"),
            .invalid("size", "5244224e0", "is not an integer from 0 to 2^53-1 in digits alone"),
            .invalid("size", "-1", "is not an integer from 0 to 2^53-1 in digits alone"),
            .invalid("size", "-0", "is not an integer from 0 to 2^53-1 in digits alone"),
            .invalid("size", "\"5244224\"", "is not a number"),
            .invalid("expires", "-5", "is not an integer from 0 to 2^53-1 in digits alone"),
            .invalid("key", "\"\(Sample.key.dropLast())\"", "is invalid"),  // spare bits that are not zero
            .invalid("key", "\"\(Sample.key)=\"", "is invalid"),
            .invalid("key", "\"\(Sample.key.dropLast())9\"", "is invalid"),
            .invalid("key", "\"AAAA\"", "is not 32 bytes long"),
            .invalid("receipt", "\"AAAA\"", "is invalid"),
            .invalid("media", "[]", "is not an object"),
            .field("media", #"{"type":"jpeg","size":1}"#, .invalid("media.type", "is not a media type")),
            .field("media", #"{"type":"image/jpeg; q=1","size":1}"#, .invalid("media.type", "is not a media type")),
            .field("media", #"{"type":"Image/JPEG","size":1}"#, .invalid("media.type", "is not a media type")),
            .field(
                "media", #"{"type":"image/jpeg","size":5242873}"#,  // one more than fits into 5244224 sealed bytes
                .invalid("media.size", "does not fit in a blob of 5244224 bytes")),
            .media(#""width":0"#, "width", "is not in 1…65535"),
            .media(#""height":65536"#, "height", "is not in 1…65535"),
            .media(#""width":9007199254740991"#, "width", "is not in 1…65535"),
            .media(#""duration":-0.1"#, "duration", "is not a number of seconds"),
            .media(#""duration":1e999"#, "duration", "is not a number of seconds"),
            .media(#""duration":1e16"#, "duration", "is not a number of seconds"),
            .media(#""caption":"\#(String(repeating: "é", count: 513))""#, "caption", "has more than 1024 bytes"),
            .media(#""alt":"\#(String(repeating: "x", count: 513))""#, "alt", "has more than 512 bytes"),
            .media(#""thumbhash":"""#, "thumbhash", "is empty"),
            .media(#""thumbhash":"\#(String(repeating: "A", count: 44))""#, "thumbhash", "has more than 32 bytes"),
            .media(#""preview":"\#(String(repeating: "A", count: 2052))""#, "preview", "has more than 1536 bytes"),
            .media(#""preview":"+/+/""#, "preview", "is invalid"),
            .media(#""removed":["GPS"]"#, "removed", "has an element that is not a short word"),
            .media(#""removed":[""]"#, "removed", "has an element that is not a short word"),
            .media(#""name":7"#, "name", "is not a string"),
        ] as [Refused])
    func `is refused where a field is missing or not what it must be`(_ refused: Refused) {
        #expect(throws: refused.error) { try MediaMessage(parsing: refused.text) }
    }

    @Test(arguments: [
        Refused("", .notJSON("expected a value", offset: 0)),
        Refused("[]", .notJSON("expected an object", offset: 0)),
        Refused("{} {}", .notJSON("unexpected text after the value", offset: 3)),
        Refused("{\"v\":1,}", .notJSON("expected a name", offset: 7)),
        Refused("{,}", .notJSON("expected a name", offset: 1)),
        Refused("{v:1}", .notJSON("expected a name", offset: 1)),
        Refused("{'v':1}", .notJSON("expected a name", offset: 1)),
        Refused("{\"v\" 1}", .notJSON("expected :", offset: 5)),
        Refused("{\"v\":1", .notJSON("expected }", offset: 6)),
        Refused("{\"v\":[1", .notJSON("expected ]", offset: 7)),
        Refused("{\"v\":[1,]}", .notJSON("expected a value", offset: 8)),
        Refused("{\"v\":01}", .notJSON("number with a leading zero", offset: 6)),
        Refused("{\"v\":+1}", .notJSON("expected a value", offset: 5)),
        Refused("{\"v\":.5}", .notJSON("expected a value", offset: 5)),
        Refused("{\"v\":1.}", .notJSON("expected a digit", offset: 7)),
        Refused("{\"v\":1e}", .notJSON("expected a digit", offset: 7)),
        Refused("{\"v\":-}", .notJSON("expected a digit", offset: 6)),
        Refused("{\"v\":NaN}", .notJSON("expected a value", offset: 5)),
        Refused("{\"v\":tru}", .notJSON("expected a value", offset: 5)),
        Refused("{\"v\":1/**/}", .notJSON("expected }", offset: 6)),
        Refused("\u{feff}{\"v\":1}", .notJSON("expected a value", offset: 0)),  // a byte order mark
        Refused("\u{a0}{\"v\":1}", .notJSON("expected a value", offset: 0)),  // no white space of JSON's
        Refused("{\"v\":\"a\nb\"}", .notJSON("control character in a string", offset: 7)),
        Refused("{\"v\":\"\u{0}\"}", .notJSON("control character in a string", offset: 6)),
        Refused("{\"v\":\"abc", .notJSON("unterminated string", offset: 9)),
        Refused("{\"v\":\"\\", .notJSON("unterminated string", offset: 7)),
        Refused("{\"v\":\"\\x41\"}", .notJSON("unknown escape", offset: 8)),
        Refused("{\"v\":\"\\u12g4\"}", .notJSON("expected four hexadecimal digits", offset: 10)),
        Refused("{\"v\":\"\\ud83d\"}", .notJSON("lone surrogate", offset: 12)),
        Refused("{\"v\":\"\\ude00\"}", .notJSON("lone surrogate", offset: 12)),
        Refused("{\"v\":\"\\ud83d\\u0041\"}", .notJSON("lone surrogate", offset: 18)),
        Refused("{\"v\":\"\\ud83dx\"}", .notJSON("lone surrogate", offset: 12)),
        Refused("{\"v\":1,\"v\":1}", .doubled("v")),
        Refused("{\"v\":1,\"\\u0076\":1}", .doubled("v")),  // the same name, written otherwise
        Refused("{\"a\":{\"b\":1,\"b\":2}}", .doubled("b")),  // in what would be ignored
        Refused("{\"a\":[[[[]]]]}", .tooDeep(offset: 8)),
        Refused("{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}", .tooDeep(offset: 20)),
    ])
    func `is refused where it is not JSON as everyone reads it`(_ refused: Refused) {
        #expect(throws: refused.error) { try MediaMessage(parsing: refused.text) }
    }

    @Test(arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])
    func `is refused where it is not UTF-8`(_ bytes: [UInt8]) {
        let text = Array("{\"v\":\"".utf8) + bytes + Array("\"}".utf8)
        #expect(throws: MessageError.notJSON("invalid UTF-8", offset: 7 + bytes.count)) {
            try MediaMessage(parsing: text)
        }
    }

    @Test func `may have 4096 bytes and no more, whatever they are`() throws {
        let missing = 4096 - Sample.json([("x", "\"\"")]).utf8.count
        let longest = Sample.json([("x", "\"\(String(repeating: "y", count: missing))\"")])
        #expect(try MediaMessage(parsing: longest + "\n").media.size == 182_344)
        #expect(throws: MessageError.tooLong(bytesOver: 1)) {
            try MediaMessage(parsing: longest.replacing("\"x\"", with: "\"xx\""))
        }
        #expect(throws: MessageError.tooLong(bytesOver: 995_904)) {
            try MediaMessage(parsing: String(repeating: "[", count: 1_000_000))
        }
    }

    @Test func `does not show its key, or anything else, when it is described`() throws {
        let message = try Sample.full()
        var dumped = ""
        dump(message, to: &dumped)
        for text in ["\(message)", String(reflecting: message), dumped] {
            #expect(text.contains("3f3f3f3f") && !text.contains("beach") && !text.contains("31"), "\(text)")
        }
    }

    @Test func `of random changes is read or refused, and never a crash`() throws {
        let original = Array(try Sample.full().encoded().utf8)
        var generator = SeededGenerator(seed: 4)
        let odd = Array("{}[]\",:\\u0123456789eE+-.tfn \u{7f}".utf8) + [0, 0x80, 0xc3, 0xff]
        for _ in 0..<2_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = odd.randomElement(using: &generator) ?? 0
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(odd.randomElement(using: &generator) ?? 0, at: place)
                default: bytes.insert(contentsOf: bytes[place..<min(place + 40, bytes.count)], at: place)
                }
            }
            guard let message = try? MediaMessage(parsing: bytes) else { continue }
            // What was read keeps the rules, and can be written and read again.
            #expect(try MediaMessage(parsing: message.encoded()) == message)
        }
    }
}

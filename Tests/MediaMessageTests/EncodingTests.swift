import Blobs
import MediaMessage
import Testing

@Suite
struct EncodingTests {
    @Test func `field by field in a fixed order`() throws {
        let expected = """
            {"v":1,"url":"https://media.example/\(Sample.hex)",\
            "mirrors":["http://[2001:db8::1]:8080/a/b/\(Sample.hex).jpg"],"sha256":"\(Sample.hex)","size":5244224,\
            "root":"\(Sample.root)","expires":1790000000,"key":"\(Sample.key)","receipt":"\(Sample.receipt)",\
            "media":{"type":"image/jpeg","size":182344,"name":"beach \\"1\\".jpg",\
            "caption":"Sun\\n\\u0001\\\\ 🏖️","alt":"A beach","width":1600,"height":1200,"duration":12.4,\
            "thumbhash":"AQIDBAU","preview":"_9j_2Q","removed":["gps","camera"]}}
            """
        #expect(try Sample.full().encoded() == expected)
    }

    @Test func `and read back the same`() throws {
        var message = try Sample.full()
        #expect(try MediaMessage(parsing: message.encoded()) == message)
        message.media.duration = 90
        #expect(try MediaMessage(parsing: message.encoded()) == message)
        message.media.duration = 1e-7
        #expect(try MediaMessage(parsing: message.encoded()) == message)
        message.url = nil
        #expect(try MediaMessage(parsing: message.encoded(), requiresLocation: false) == message)
    }

    @Test func `without preview, and then without mirrors, where it would be too long`() throws {
        var message = try Sample.full()
        message.media.preview = [UInt8](repeating: 1, count: 1536)
        #expect(try MediaMessage(parsing: message.encoded()) == message)
        message.media.caption = String(repeating: "c", count: 1024)
        message.media.alt = String(repeating: "a", count: 512)
        message.media.name = String(repeating: "n", count: 300)
        var expected = message
        expected.media.preview = nil
        #expect(try MediaMessage(parsing: message.encoded()) == expected)

        message.media.name = String(repeating: "n", count: 2000)
        expected = message
        expected.media.preview = nil
        expected.mirrors = []
        #expect(try MediaMessage(parsing: message.encoded()) == expected)
    }

    @Test func `or else the bytes over are named`() throws {
        var message = try Sample.full()
        message.mirrors = []
        message.media.preview = nil
        message.media.name = ""
        let room = 4096 - (try message.encoded().utf8.count)
        message.media.name = String(repeating: "n", count: room)
        #expect(try message.encoded().utf8.count == 4096)
        message.media.name = String(repeating: "n", count: room + 7)
        #expect(throws: MessageError.tooLong(bytesOver: 7)) { try message.encoded() }
    }

    @Test func `only if it would be read`() throws {
        var message = try Sample.full()
        message.media.width = 0
        #expect(throws: MessageError.invalid("media.width", "is not in 1…65535")) { try message.encoded() }
        message = try Sample.full()
        message.media.duration = .nan
        #expect(throws: MessageError.invalid("media.duration", "is not a number of seconds")) { try message.encoded() }
        message = try Sample.full()
        message.expires = Timestamp(seconds: -1)
        #expect(throws: MessageError.invalid("expires", "is out of range")) { try message.encoded() }
        message = try Sample.full()
        message.key.removeLast()
        #expect(throws: MessageError.invalid("key", "is not 32 bytes long")) { try message.encoded() }
    }
}

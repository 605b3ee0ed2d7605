import Blobs
import Testing

@Suite
struct TextFormTests {
    /// RFC 4648 §10, without the padding.
    @Test(arguments: [
        ("", "", ""), ("f", "Zg", "66"), ("fo", "Zm8", "666f"), ("foo", "Zm9v", "666f6f"),
        ("foob", "Zm9vYg", "666f6f62"), ("fooba", "Zm9vYmE", "666f6f6261"), ("foobar", "Zm9vYmFy", "666f6f626172"),
    ])
    func `agree with RFC 4648`(_ text: String, _ base64: String, _ hexadecimal: String) {
        #expect(Base64URL.encode(text.utf8) == base64)
        #expect(Base64URL.decode(base64) == Array(text.utf8))
        #expect(Hexadecimal.encode(text.utf8) == hexadecimal)
        #expect(Hexadecimal.decode(hexadecimal) == Array(text.utf8))
    }

    @Test func `use the alphabet that is safe in URLs`() {
        #expect(Base64URL.encode([0xfb, 0xff, 0xfe]) == "-__-")
        #expect(Base64URL.decode("-__-") == [0xfb, 0xff, 0xfe])
    }

    @Test func `have one spelling each, at every length`() {
        for count in 0...70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
            #expect(Base64URL.encode(bytes).utf8.count == (count * 4 + 2) / 3)
            #expect(Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes)
        }
    }

    @Test(arguments: [
        "A", "AAAAA",  // an impossible length
        "Zg==", "Zm8=",  // padding
        "Zh", "Zm9", "-_-",  // spare bits that are not zero
        "+/+/", "Zm 9v", "Zm9v\n", "Zm9vé",
    ])
    func `are refused as base64url`(_ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test(arguments: ["0", "0G", "0A", "FF", " 00", "00\n", "0x00", "é"])
    func `are refused as hexadecimal`(_ text: String) {
        #expect(Hexadecimal.decode(text) == nil)
    }
}

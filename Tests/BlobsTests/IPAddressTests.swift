import Blobs
import Testing

@Suite struct IPAddressTests {
    @Test(
        arguments: [
            ("192.0.2.1", [192, 0, 2, 1]), ("::1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ("2001:db8::ff00:42:8329", [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0x42, 0x83, 0x29]),
            ("64:ff9b::192.0.2.1", [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1]),
        ] as [(String, [UInt8])])
    func `an address is its bytes and its text`(text: String, bytes: [UInt8]) throws {
        let address = try #require(IPAddress(text))
        #expect(address.bytes == bytes && IPAddress(bytes: bytes) == address)
        #expect(IPAddress(address.description) == address)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.-4", "0x7f.0.0.1", ":::", "1::2::3", "12345::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1%eth0", "::1.2.3", "+1::", "1.2.3.4::", "localhost",
    ])
    func `what is no address is none`(text: String) { #expect(IPAddress(text) == nil) }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.0.3", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false),
        ("::2", false), ("::", false), ("0.0.0.0", false), ("64:ff9b::127.0.0.1", false),
    ])
    func `loopback is the machine itself`(text: String, isLoopback: Bool) throws {
        #expect(try #require(IPAddress(text)).isLoopback == isLoopback)
    }

    @Test(arguments: [
        ("1.1.1.1", true), ("100.63.255.255", true), ("172.32.0.1", true), ("2606:4700::1111", true),
        ("::ffff:8.8.8.8", true), ("64:ff9b::8.8.8.8", true), ("10.0.0.1", false), ("100.64.0.1", false),
        ("169.254.169.254", false), ("224.0.0.1", false), ("::1", false), ("::ffff:10.1.1.1", false),
        ("64:ff9b::a9fe:a9fe", false), ("2002:7f00:1::", false), ("fd12:3456::1", false), ("2001:db8::1", false),
    ])
    func `a public address is anybody's`(text: String, isPublic: Bool) throws {
        #expect(try #require(IPAddress(text)).isPublic == isPublic)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("0.0.0.0/0", "1.2.3.4", true),
        ("0.0.0.0/0", "::1", false), ("::/0", "2001:db8::1", true), ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7/32", "192.0.2.8", false), ("2001:db8::/33", "2001:db8:7fff::1", true),
        ("2001:db8::/33", "2001:db8:8000::1", false), ("2001:db8::8000:0:0:0/65", "2001:db8::8000:0:0:1", true),
        ("2001:db8::8000:0:0:0/65", "2001:db8::1", false), ("::ffff:10.0.0.0/104", "10.1.2.3", true),
        ("::1", "::1", true),
    ])
    func `a range holds the addresses that begin like it`(range: String, address: String, isInside: Bool) throws {
        let range = try #require(IPPrefix(range))
        #expect(range.contains(try #require(IPAddress(address))) == isInside)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.1/8", "10.0.0/8", "::/129", "localhost",
        "::ffff:10.0.0.0/95", "10.0.0.0/8/8", "10.0.0.0/99999999999999999999",
    ])
    func `what is no range is none`(text: String) { #expect(IPPrefix(text) == nil) }
}

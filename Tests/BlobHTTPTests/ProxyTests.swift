import BlobHTTP
import Blobs
import HTTPTypes
import Testing

@Suite struct TrustedProxiesTests {
    private func client(
        _ value: String?, peer: String = "10.0.0.1", field: HTTPField.Name = .xForwardedFor
    ) throws -> ClientAddress {
        var proxies = TrustedProxies()
        proxies.ranges = try ["10.0.0.0/8", "fd00::/8", "192.0.2.7"].map { try #require(IPPrefix($0)) }
        proxies.field = field
        var fields = HTTPFields()
        fields[field] = value
        return proxies.client(peer: try #require(ClientAddress(text: peer))) { fields[$0] }
    }

    @Test(
        arguments: [
            ("198.51.100.1", "198.51.100.1"),
            ("1.2.3.4, 198.51.100.1", "198.51.100.1"),  // what is further left anybody can write
            ("1.2.3.4, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
            ("1.2.3.4,198.51.100.1,192.0.2.7,\t10.1.1.1", "198.51.100.1"),
            ("rubbish, 198.51.100.1", "198.51.100.1"),
            ("2001:db8::5", "2001:db8::5"), ("[2001:db8::5]", "2001:db8::5"), ("[2001:db8::5]:443", "2001:db8::5"),
            ("198.51.100.1:5555", "198.51.100.1"), ("::ffff:198.51.100.1", "198.51.100.1"),
            ("198.51.100.1, fd12::1", "198.51.100.1"),
            ("10.2.2.2", "10.2.2.2"), ("10.2.2.2, 10.3.3.3", "10.2.2.2"),  // someone inside
            // Malformed on the way: the peer, who is the one that can be held to it.
            ("", "10.0.0.1"), ("rubbish", "10.0.0.1"), ("198.51.100.1, rubbish", "10.0.0.1"),
            ("198.51.100.1,", "10.0.0.1"), ("198.51.100.256", "10.0.0.1"), ("unknown", "10.0.0.1"),
            ("1.2.3", "10.0.0.1"), ("[::1", "10.0.0.1"), ("fe80::1%eth0", "10.0.0.1"), (nil, "10.0.0.1"),
        ] as [(String?, String)])
    func `the client is the rightmost address that is no proxy of ours`(value: String?, expected: String) throws {
        #expect(try client(value) == ClientAddress(text: expected))
    }

    @Test(arguments: [
        ("for=198.51.100.1", "198.51.100.1"), ("For=\"198.51.100.1\";proto=https", "198.51.100.1"),
        ("for=1.2.3.4, proto=http;for=\"[2001:db8::5]:80\";by=10.0.0.1", "2001:db8::5"),
        ("for=198.51.100.1, for=10.4.4.4", "198.51.100.1"),
        ("for=_hidden", "10.0.0.1"), ("for=unknown", "10.0.0.1"), ("by=198.51.100.1", "10.0.0.1"),
        ("for=\"198.51.100.1", "10.0.0.1"), ("for=", "10.0.0.1"), ("198.51.100.1", "10.0.0.1"),
    ])
    func `forwarded is read as RFC 7239 has it`(value: String, expected: String) throws {
        #expect(try client(value, field: .forwarded) == ClientAddress(text: expected))
    }

    @Test func `a request counts against whom a proxy of ours names, and against nobody where it names none`() throws {
        var proxies = TrustedProxies()
        proxies.ranges = [try #require(IPPrefix("10.0.0.0/8"))]
        func counted(_ value: String?, peer: String) throws -> ClientAddress? {
            proxies.countedClient(peer: try #require(ClientAddress(text: peer))) { _ in value }
        }
        #expect(try counted("198.51.100.1", peer: "10.0.0.1") == ClientAddress(text: "198.51.100.1"))
        #expect(try counted("10.3.3.3", peer: "10.0.0.1") == ClientAddress(text: "10.3.3.3"), "somebody inside")
        for value in [nil, "", "unknown", "198.51.100.1, rubbish"] {
            #expect(try counted(value, peer: "10.0.0.1") == nil)
            #expect(try counted(value, peer: "203.0.113.9") == ClientAddress(text: "203.0.113.9"))
        }
    }

    @Test func `nobody else is believed`() throws {
        #expect(try client("198.51.100.1", peer: "203.0.113.9") == ClientAddress(text: "203.0.113.9"))
        let none = TrustedProxies()
        let peer = try #require(ClientAddress(text: "10.0.0.1"))
        #expect(none.client(peer: peer) { _ in "198.51.100.1" } == peer)
    }
}

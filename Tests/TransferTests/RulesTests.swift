import Blobs
import Testing

@testable import Transfer

@Suite
struct CurlSentenceTests {
    @Test(
        arguments: [
            (
                "Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server", 0,
                "Couldn't connect to server"
            ),
            ("Failed to connect to h port 1 after 0 ms: Couldn't connect to server", 111, "connection refused"),
            ("no route", 0, "no route"), ("", 0, ""),
        ] as [(String, Int32, String)])
    func `why there is no connection is said once`(message: String, systemError: Int32, sentence: String) {
        #expect(CurlSentence.unconnected(message, systemError) == sentence)
    }

    @Test(arguments: [
        ("error:0A00010B:SSL routines::wrong version number", true), ("error:1408F09C:SSL routines:http request", true),
        ("OpenSSL SSL_connect: Connection reset by peer", false), ("", false),
    ])
    func `an answer in clear text is known by what OpenSSL makes of it`(message: String, isPlain: Bool) {
        #expect(CurlSentence.isOfPlainServer(message) == isPlain)
    }
}

@Suite
struct AddressTests {
    @Test(arguments: [
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1",
        "192.167.1.1", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ])
    func `addresses that are anybody's`(text: String) throws {
        #expect(try #require(IPAddress(text)).isPublic)
    }

    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
        "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::1.2.3.4", "::ffff:127.0.0.1", "::ffff:10.1.1.1", "64:ff9b::10.0.0.1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1",
        "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::", "3fff::1", "100::1", "5f00::1",
    ])
    func `addresses that are somebody's own`(text: String) throws {
        #expect(!(try #require(IPAddress(text)).isPublic))
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.-4", "0x7f.0.0.1", ":::", "1::2::3", "12345::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1%eth0", "::1.2.3", "+1::",
    ])
    func `what is no address`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        "media.example", "a.b.media.example", "media.example.", "1.1.1.1", "2606:4700::1111", "1and1.example",
        "0xdeadbeef.example", "localhost.example", "x.internal.example",
    ])
    func `names that may be public`(host: String) { #expect(PublicName.mayBe(host)) }

    @Test(arguments: [
        "127.1", "0x7f000001", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "1.2.3", "0x", "media.0x1f",
        "localhost", "localhost.", "a.localhost", "intranet", "printer.local", "db.internal", "router.home.arpa",
        "localhost.localdomain", "", ".", "media..1",
    ])
    func `names that lead to this machine, its network, or a number`(host: String) { #expect(!PublicName.mayBe(host)) }

    @Test(arguments: [
        ("0:0:0:0:0:0:0:1", "::1"), ("2001:0db8::0001:0", "2001:db8::1:0"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("::ffff:1.2.3.4", "::ffff:102:304"), ("10.0.0.1", "10.0.0.1"),
    ])
    func `an address is written in its shortest form`(text: String, expected: String) {
        #expect(IPAddress(text)?.description == expected)
    }

    @Test(arguments: [
        ("https://media.example/a", "https://media.example/a"),
        ("HTTPS://Media.Example:443", "https://media.example/"),
        ("http://127.0.0.1:8080/x/y?z=1", "http://127.0.0.1:8080/x/y?z=1"),
        ("https://[::1]:9/", "https://[::1]:9/"),
        ("https://h?q", "https://h/?q"),
    ])
    func `URLs of the plain kind are read`(text: String, expected: String) {
        #expect(WebURL(text)?.description == expected)
    }

    @Test(arguments: [
        "", "media.example/a", "ftp://h/", "https:/h", "https://", "https:///a", "https://u@h/", "https://u:p@h/",
        "https://h/#f", "https://h\\@e/", "https://h:0/", "https://h:65536/", "https://h:+1/", "https://h:/",
        "https://h /", "https://[::1/", "https://[1.2.3.4]/", "https://h%2f/", "https://hé/", "https://h/\u{7f}",
        "https://h/\r\nX: y",
    ])
    func `URLs that could be read in two ways are not`(text: String) {
        #expect(WebURL(text) == nil)
    }

    @Test(
        arguments: [
            (["https_proxy": "http://p:1"], "https://h/", "http://p:1"),
            (["HTTPS_PROXY": "http://p:1"], "https://h/", "http://p:1"),
            (["http_proxy": "http://p:1"], "https://h/", nil), (["HTTP_PROXY": "http://p:1"], "http://h/", nil),
            (["http_proxy": "http://p:1"], "http://h/", "http://p:1"),
            (["ALL_PROXY": "http://p:1"], "http://h/", "http://p:1"),
            (["all_proxy": "http://p:1", "NO_PROXY": "*"], "http://h/", nil),
            (["all_proxy": "http://p:1", "no_proxy": "example"], "http://media.example/", nil),
            (["all_proxy": "http://p:1", "no_proxy": ".example, other"], "http://media.example/", nil),
            (["all_proxy": "http://p:1", "no_proxy": "ample"], "http://media.example/", "http://p:1"),
            (["all_proxy": "http://p:1", "no_proxy": "10.0.0.0/8"], "http://10.1.2.3/", nil),
            (["all_proxy": "http://p:1", "no_proxy": "10.0.0.0/8"], "http://11.1.2.3/", "http://p:1"),
            (["all_proxy": "http://p:1", "no_proxy": "::1"], "http://[::1]/", nil),
            (["all_proxy": ""], "http://h/", nil),
        ] as [([String: String], String, String?)])
    func `the environment chooses the proxy as it does for curl`(
        environment: [String: String], url: String, expected: String?
    ) throws {
        let choice = ProxyChoice(for: try #require(WebURL(url)).origin, environment: { environment[$0] })
        #expect(choice == (expected.map { .proxy($0) } ?? .direct))
    }
}

@Suite
struct RetryTests {
    private let policy = RetryPolicy(attempts: 4)

    @Test(arguments: [
        (408, true), (423, true), (425, true), (429, true), (500, true), (502, true), (503, true), (504, true),
        (400, false),
        (401, false), (403, false), (404, false), (409, false), (410, false), (413, false), (415, false),
        (501, false), (507, false),
    ])
    func `only what may pass is tried again`(status: Int, isWorthIt: Bool) {
        let decision = policy.decide(
            afterAttempt: 1, .answer(status: status, retryAfterSeconds: nil), random: 0)
        #expect((decision == .giveUp) == !isWorthIt)
    }

    @Test func `what shall go out however long it takes is tried again for ever, and a full disk is waited for`() {
        let policy = RetryPolicy.untilDone
        let full = policy.decide(
            afterAttempt: 100_000, .answer(status: 507, retryAfterSeconds: nil), random: 300_000)
        #expect(full == .wait(milliseconds: 300_000))
        #expect(policy.decide(afterAttempt: 1, .answer(status: 413, retryAfterSeconds: nil), random: 0) == .giveUp)
    }

    @Test func `the wait doubles, up to a ceiling, and chance takes any part of it`() {
        let policy = RetryPolicy(attempts: 100)
        for (attempt, ceiling) in [(1, 500), (2, 1000), (3, 2000), (7, 30_000), (99, 30_000)] as [(Int, Int64)] {
            for (random, expected) in [(0, 0), (UInt64(ceiling), ceiling), (UInt64(ceiling) + 1, 0)]
                as [(UInt64, Int64)]
            {
                let decision = policy.decide(afterAttempt: attempt, .transfer(isTransient: true), random: random)
                #expect(decision == .wait(milliseconds: expected))
            }
        }
    }

    @Test func `a server's own wait is kept to, never shortened, and not waited for when it is too long`() {
        let ask = { (seconds: Int64) in
            policy.decide(afterAttempt: 1, .answer(status: 503, retryAfterSeconds: seconds), random: 0)
        }
        #expect(ask(7) == .wait(milliseconds: 7000))
        #expect(ask(120) == .wait(milliseconds: 120_000))
        #expect(ask(121) == .giveUp)
        #expect(ask(.max) == .giveUp)
        #expect(ask(-5) == .wait(milliseconds: 0))
    }

    @Test func `the last attempt is the last`() {
        #expect(policy.decide(afterAttempt: 4, .transfer(isTransient: true), random: 0) == .giveUp)
        #expect(policy.decide(afterAttempt: 1, .transfer(isTransient: false), random: 0) == .giveUp)
    }

    @Test(
        arguments: [
            ("0", 0), ("120", 120), ("99999999999999999999", .max), ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 37), ("Sun Nov  6 08:49:37 1994", 37),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("soon", nil), ("", nil), ("-5", nil), ("1.5", nil),
        ] as [(String, Int64?)])
    func `Retry-After is read as seconds and as each of HTTP's three dates`(text: String, expected: Int64?) {
        #expect(RetryAfter.seconds(text, now: 784_111_740) == expected)
    }

    @Test(arguments: [
        ("bytes 5-9/10", true), ("bytes 0-0/1", true), ("bytes 5-9/*", false), ("bytes 9-5/10", false),
        ("bytes 5-10/10", false), ("lines 5-9/10", false), ("bytes */10", false),
        ("bytes 5-9/99999999999999999999", false),
        ("bytes +5-9/10", false), ("", false),
    ])
    func `Content-Range says where a part belongs`(text: String, isRead: Bool) {
        #expect((ContentRangeHeader(text) != nil) == isRead)
    }
}

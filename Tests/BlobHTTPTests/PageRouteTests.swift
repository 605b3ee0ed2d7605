import BlobHTTP
import Blobs
import NIOCore
import Pages
import TestSupport
import Testing

/// The pages for browsers, as a server gives them.
@Suite(.timeLimit(.minutes(15))) struct PageRouteTests {
    private static let link = "/open/" + String(repeating: "ab", count: 32)
    private static let places = [(link, WebPage.open), ("/open/video.js", .video), ("/send", .send)]

    /// Every field that says something of a page, besides its policy, its tag and its digest.
    private static let fields = [
        "cache-control": "no-cache, no-transform", "vary": "Accept-Encoding", "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff", "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ]

    @Test(arguments: places)
    func `every page comes with all that is to be said of it, in both forms`(path: String, page: WebPage) async throws {
        try await TestServer.run { server in
            for (accepted, bytes) in [(nil, page.bytes), ("br, gzip", page.gzip)] as [(String?, [UInt8]?)] {
                let bytes = try #require(bytes)
                let request = accepted.map { [("Accept-Encoding", $0)] } ?? []
                let answer = try #require(try await server.answer(to: "GET", path, fields: request))
                #expect(answer.status == 200 && answer.body == bytes)
                for (name, value) in Self.fields { #expect(answer[name] == value, "\(name)") }
                #expect(answer["content-type"] == page.mediaType)
                #expect(answer["content-encoding"] == (accepted == nil ? nil : "gzip"))
                #expect(answer["content-security-policy"] == page.policy.description)
                let digest = Base64.encode(BlobAddress(of: bytes).bytes)
                #expect(answer["repr-digest"] == "sha-256=:\(digest):")
                let tag = try #require(answer["etag"])
                #expect(tag.wholeMatch(of: /"[0-9a-f]{64}"/) != nil)
                // No other page reads it, and no other server needs to.
                #expect(!answer.fields.contains { $0.name.hasPrefix("access-control-") })

                let head = try #require(try await server.answer(to: "HEAD", path, fields: request))
                #expect(head.status == 200 && head["content-length"] == "\(bytes.count)" && head["etag"] == tag)
                let again = request + [("If-None-Match", "W/\(tag), \"x\"")]
                for method in ["GET", "HEAD"] {
                    let kept = try #require(try await server.answer(to: method, path, fields: again))
                    #expect(kept.status == 304 && kept["etag"] == tag && kept.body.isEmpty)
                    #expect(kept["content-type"] == nil && kept["content-security-policy"] == page.policy.description)
                    #expect(
                        kept["cache-control"] == Self.fields["cache-control"] && kept["vary"] == Self.fields["vary"])
                }
                let other = request + [("If-Match", "\"x\"")]
                #expect(try await server.answer(to: "GET", path, fields: other)?.status == 412)
                let part = request + [("Range", "bytes=0-1")]
                #expect(try await server.answer(to: "GET", path, fields: part)?.status == 200, "there are no parts")
            }
        }
    }

    @Test func `each form has a tag of its own, and so has each policy`() async throws {
        var tags: Set<String> = []
        for url in [nil, "https://media.example"] {
            try await TestServer.run(settings: { $0.publicURL = url.flatMap { PublicURL($0) } }) { server in
                for accepted in ["gzip", "identity"] {
                    let answer = try await server.answer(to: "GET", "/send", fields: [("Accept-Encoding", accepted)])
                    tags.insert(try #require(answer?["etag"]))
                }
            }
        }
        #expect(tags.count == 4)
    }

    @Test func `the page that opens is the same for every address, held or not`() async throws {
        try await TestServer.run { server in
            let held = try await server.put([1, 2, 3])
            let answers = [
                try await server.answer(to: "GET", "/open/\(held.hex)"), try await server.answer(to: "GET", Self.link),
                try await server.answer(to: "GET", Self.link + "?x=1"),
            ]
            for answer in answers {
                #expect(answer?.body == WebPage.open.bytes && answer?["etag"] == answers[0]?["etag"])
                #expect(answer?.fields.count == answers[0]?.fields.count)
            }
        }
    }

    @Test(
        arguments: [
            (.openAndSend, 200, 200, WebPage.open), (.open, 200, 404, .open), (.none, 404, 404, .note),
        ] as [(PageOffer, Int, Int, WebPage)])
    func `an operator chooses what there is for browsers`(offer: PageOffer, video: Int, send: Int, page: WebPage)
        async throws
    {
        try await TestServer.run(settings: { $0.pages = offer }) { server in
            let opened = try await server.answer(to: "GET", Self.link, fields: [("Accept-Encoding", "gzip")])
            #expect(opened?.status == 200 && opened?.body == page.gzip ?? page.bytes)
            #expect(opened?["content-security-policy"] == page.policy.description)
            #expect(try await server.answer(to: "GET", "/open/video.js")?.status == video)
            for method in ["GET", "HEAD", "PUT", "OPTIONS"] {
                let answer = try await server.answer(to: method, "/send")
                #expect(answer?.status == (send == 404 ? 404 : method == "PUT" ? 405 : method == "OPTIONS" ? 204 : 200))
            }
            for path in ["/open/x", "/open/", "/open", "/open/stream/1", "/send/"] {
                #expect(try await server.answer(to: "GET", path)?.status == 404, "\(path)")
            }
        }
    }

    @Test(arguments: [PageOffer.openAndSend, .none])
    func `whoever follows a cut link is told so by a page, and programs by a problem`(offer: PageOffer) async throws {
        let browser = [("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")]
        try await TestServer.run(settings: { $0.pages = offer }) { server in
            let cut = Self.link.dropLast(5)
            for path in ["/open", "/open/", "/open/x", String(cut), "\(cut)?x", "/open/stream/1", "/open/a/b/c/d"] {
                for method in ["GET", "HEAD"] {
                    let answer = try #require(try await server.answer(to: method, path, fields: browser))
                    #expect(answer.status == 404 && answer["content-type"] == "text/html; charset=utf-8", "\(path)")
                    #expect(answer.body == (method == "GET" ? WebPage.cut.bytes : []))
                    for (name, value) in Self.fields where name != "cache-control" { #expect(answer[name] == value) }
                    #expect(answer["cache-control"] == "no-store" && answer["etag"] == nil)
                    #expect(answer["content-security-policy"] == WebPage.cut.policy.description)
                }
                for accept in [[], [("Accept", "*/*")], [("Accept", "application/json, text/htmlx")]] {
                    let answer = try #require(try await server.answer(to: "GET", path, fields: accept))
                    #expect(answer.status == 404 && answer["content-type"] == "application/problem+json", "\(path)")
                }
            }
            let put = try await server.answer(to: "PUT", "/open/x", fields: browser)
            #expect(put?.status == 405 && put?["allow"] == "GET, HEAD, OPTIONS")
            #expect(try await server.answer(to: "GET", "/opened", fields: browser)?.body != WebPage.cut.bytes)
        }
        let text = String(decoding: WebPage.cut.bytes, as: UTF8.self)
        #expect(text.contains("This link is not whole") && !text.contains("<script") && text.utf8.count < 1500)
    }

    @Test func `a page may fetch from the server's other names`() async throws {
        try await TestServer.run(settings: {
            $0.publicURL = PublicURL("https://media.example/files")
            $0.mirrors = ["https://two.example", "http://[::1]:81/x"].compactMap { PublicURL($0) }
        }) { server in
            for (path, page) in Self.places {
                let policy = try #require(try await server.answer(to: "GET", path)?["content-security-policy"])
                let stores = "connect-src 'self' https://media.example https://two.example http://[::1]:81"
                #expect(policy == page.policy.description.replacing("connect-src 'self'", with: stores))
            }
        }
    }

    @Test func `to a page of another origin a page of this server is closed`() async throws {
        try await TestServer.run { server in
            let fields = [("Origin", "https://x.example"), ("Access-Control-Request-Method", "GET")]
            let preflight = try #require(try await server.answer(to: "OPTIONS", "/send", fields: fields))
            #expect(preflight.status == 204 && preflight["allow"] == "GET, HEAD, OPTIONS")
            #expect(!preflight.fields.contains { $0.name.hasPrefix("access-control-") })
        }
    }

    @Test func `pages count against the rates of whoever asks, with their bytes`() async throws {
        try await TestServer.run(settings: {
            $0.addressRates.bytesPerSecond = 1
            $0.rateClock = { .uptimeNanoseconds(0) }
            $0.proxies.ranges = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
        }) { server in
            let client = [("X-Forwarded-For", "203.0.113.7")]
            for _ in 0..<3 { #expect(try await server.answer(to: "HEAD", "/send", fields: client)?.status == 200) }
            #expect(try await server.answer(to: "GET", "/send", fields: client)?.status == 200)
            let refused = try await server.answer(to: "GET", Self.link, fields: client)
            #expect(refused?.status == 429 && refused?["cache-control"] == "no-store")
            let other = [("X-Forwarded-For", "203.0.113.8")]
            #expect(try await server.answer(to: "GET", Self.link, fields: other)?.status == 200)
        }
    }

    @Test(
        arguments: [
            (nil, .identity), ("", .identity), ("gzip", .gzip), ("GZIP", .gzip), ("x-gzip", .gzip),
            ("gzip, deflate, br, zstd", .gzip), ("br;q=1.0, gzip;q=0.8, *;q=0.1", .gzip), ("*", .gzip),
            ("gzip;q=0", .identity), ("gzip;q=0.000, *", .identity), ("*;q=0", .identity), ("identity", .identity),
            ("gzip;q=0.5, identity", .identity), ("gzip;q=0.5, identity;q=0.5", .gzip), (" gzip ; q=0.001 ", .gzip),
            ("identity;q=0, *;q=0", .identity),  // neither, which cannot be helped
            ("gzip;q=2", .identity), ("gzip;q=1.1", .identity), ("gzip;q=0.0001", .identity), ("gzip;q=", .identity),
            ("gzip;q=-1", .identity), ("gzip;x=1", .identity), ("gzip;q=1;q=1", .identity), ("gzipped", .identity),
            (",,gzip,", .gzip), ("gzip;q=99999999999999999999", .identity),
        ] as [(String?, ContentCoding)])
    func `a page is compressed for whoever takes it so`(field: String?, coding: ContentCoding) {
        #expect(ContentCoding(accepted: field) == coding)
    }
}

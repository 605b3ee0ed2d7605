import Blobs
import Pages
import Testing

@Suite struct PageTests {
    /// What each page may take on its way, compressed, so that it opens at once on a slow network.
    @Test(arguments: [(WebPage.open, 24 << 10), (.send, 32 << 10), (.video, 12 << 10)])
    func `every page is there in both forms, and within its budget`(page: WebPage, mostBytes: Int) throws {
        let gzip = try #require(page.gzip)
        #expect(!page.bytes.isEmpty && gzip.prefix(3) == [0x1f, 0x8b, 8] && gzip.count <= mostBytes)
        // The length of what was compressed is at the end of it (RFC 1952 §2.3.1).
        let length = gzip.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(length == page.bytes.count)
        #expect(page.digest == BlobAddress(of: page.bytes))
        #expect(page.policy.description.hasPrefix("default-src 'none'; "), "\(page.policy)")
    }

    @Test(arguments: [WebPage.open, .send])
    func `nothing comes from elsewhere, nobody else shows it, and no text becomes script`(page: WebPage) {
        for directive in [
            "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            #expect("\(page.policy);".contains(" \(directive);"), "\(directive): \(page.policy)")
        }
        for source in ["http:", "https:", "'unsafe-inline'", "'unsafe-eval'", "*"] {
            #expect(!"\(page.policy)".contains(source), "\(source)")
        }
    }

    @Test func `the note where no script is wanted loads nothing and runs nothing`() {
        let text = String(decoding: WebPage.note.bytes, as: UTF8.self)
        #expect(!text.contains("<script") && !text.contains("http") && text.contains("run <code>satchel open</code>"))
        #expect("\(WebPage.note.policy)".hasPrefix("default-src 'none'; style-src 'sha256-"))
        #expect(WebPage.note.gzip == nil)
    }

    @Test func `a saved page is the page, with its policy in it`() throws {
        let saved = String(decoding: WebPage.saved, as: UTF8.self)
        let meta = try #require(
            saved.firstMatch(of: /<meta http-equiv="Content-Security-Policy" content="([^"]*)">\n/))
        #expect(saved.replacing(meta.output.0, with: "") == String(decoding: WebPage.open.bytes, as: UTF8.self))
        let policy = PagePolicy(String(meta.output.1))
        #expect("\(policy)".contains("; connect-src https: http://127.0.0.1:* http://localhost:*;"), "\(policy)")
        // A <meta> cannot say who may show the page (Content Security Policy Level 3 §3.3).
        #expect(!"\(policy)".contains("frame-ancestors"))
        let own = "\(WebPage.open.policy)".replacing("; frame-ancestors 'none'", with: "")
        #expect(policy.isSame(as: PagePolicy(own)))
    }
}

@Suite struct PagePolicyTests {
    private let policy = PagePolicy("default-src 'none'; connect-src 'self'; img-src blob:")

    @Test func `a page may fetch from further stores, and that is all that changes`() {
        let wider = policy.connecting(to: ["https://media.example", "https://two.example"])
        #expect(
            "\(wider)"
                == "default-src 'none'; connect-src 'self' https://media.example https://two.example; img-src blob:")
        #expect(wider.isSame(as: policy) && policy.connecting(to: []) == policy)
    }

    @Test(arguments: [
        ("default-src 'none';connect-src *;   img-src blob:;", true), ("default-src 'none'; img-src blob:", true),
        ("default-src 'none'; connect-src 'self'", false), ("", false),
        ("default-src 'none'; connect-src 'self'; img-src blob: data:", false),
        ("default-src 'none'; connect-src 'self'; img-src blob:; script-src 'unsafe-inline'", false),
        ("default-src *; default-src 'none'; connect-src 'self'; img-src blob:", false),
    ])
    func `policies are the same if they differ in where the page may fetch from at most`(text: String, isSame: Bool) {
        #expect(PagePolicy(text).isSame(as: policy) == isSame)
    }
}

@Suite struct PageDigestsTests {
    private func page(_ version: String) -> [UInt8] {
        Array("<!doctype html><meta name=\"generator\" content=\"Satchel \(version)\">".utf8)
    }

    @Test func `a page of this program is the same, in its own place alone`() {
        #expect(PageDigests.released.origin(of: WebPage.open.bytes, as: .open) == .same)
        #expect(PageDigests.released.origin(of: WebPage.send.bytes, as: .send) == .same)
        #expect(PageDigests.released.origin(of: WebPage.open.bytes, as: .send) != .same)
        #expect(PageDigests.released.origin(of: WebPage.open.bytes + [0x0a], as: .open) != .same)
    }

    @Test func `what a release printed is recognized by a later one`() {
        let old = BlobAddress(of: page("0.0.9")).hex
        let text = """
            # Lines like this one are for people.
            # 0.0.9
            \(old)  open.html
            # 0.0.8
            \(BlobAddress(of: page("0.0.8")).hex)  open.html
            not a digest  open.html
            """
        let known = PageDigests(text)
        #expect(known.origin(of: page("0.0.9"), as: .open) == .released(version: "0.0.9"))
        #expect(known.origin(of: page("0.0.8"), as: .open) == .released(version: "0.0.8"))
        #expect(known.origin(of: page("0.0.9"), as: .send) == .unknown(claim: "0.0.9"), "it is not in its place")
        let own = PageDigests(PageDigests.own)
        #expect(own.origin(of: WebPage.send.bytes, as: .send) == .same)
    }

    @Test(
        arguments: [
            ("9.9.9", "9.9.9"), ("1.0.0-beta+2", "1.0.0-beta+2"), ("", nil), ("\u{1b}[2J", nil), ("ä", nil),
            (String(repeating: "1", count: 41), nil),
        ] as [(String, String?)])
    func `what a page says of itself is a claim, and nothing that a terminal obeys`(version: String, claim: String?) {
        #expect(PageDigests.released.origin(of: page(version), as: .open) == .unknown(claim: claim))
    }

    @Test func `the digests are lines for sha256sum, under the version`() throws {
        let lines = PageDigests.own.split(separator: "\n")
        #expect(lines.first == "# \(Release.version)" && lines.count == 7)
        for line in lines.dropFirst() { #expect(line.wholeMatch(of: /[0-9a-f]{64}  \w+\.(html|js)/) != nil, "\(line)") }
        #expect(lines.contains { $0 == "\(WebPage.video.digest.hex)  video.js" })
    }
}

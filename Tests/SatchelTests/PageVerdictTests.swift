import Blobs
import MediaClient
import Pages
import Testing

@testable import satchel

/// What is said of the pages of a server.
@Suite struct PageVerdictTests {
    private static let changed = Array("<meta name=\"generator\" content=\"Satchel 9.9.9\">".utf8)
    private static let known = PageDigests("# 0.0.9\n\(BlobAddress(of: changed).hex)  send.html\n")

    private func verdict(_ page: WebPage, _ bytes: [UInt8]?, policy: String? = nil) -> PageVerdict {
        let served = bytes.map { ServedPage(bytes: $0, policy: policy ?? page.policy.description) }
        return PageVerdict(page, served, known: Self.known)
    }

    @Test func `the page of this program is the same, wherever it may fetch from`() {
        let policy = WebPage.open.policy.connecting(to: ["https://media.example"]).description
        let same = verdict(.open, WebPage.open.bytes, policy: policy)
        #expect(
            !same.isSuspect
                && same.line == "open.html  the same, of release \(Release.version)  \(WebPage.open.digest.hex)")
    }

    @Test(arguments: [nil, "default-src *", "connect-src 'self'"])
    func `the page with another policy is suspect`(policy: String?) {
        let served = ServedPage(bytes: WebPage.open.bytes, policy: policy)
        let other = PageVerdict(.open, served)
        #expect(
            other.isSuspect
                && other.line.hasPrefix("open.html  the same, of release \(Release.version), but with another policy  ")
        )
    }

    @Test func `that of a release is named, and what a page says of itself is only repeated`() {
        let old = verdict(.send, Self.changed)
        #expect(!old.isSuspect && old.line.hasPrefix("send.html  that of release 0.0.9  "))
        let claimed = verdict(.open, Self.changed)
        #expect(claimed.isSuspect && claimed.line.hasPrefix("open.html  unknown; it calls itself 9.9.9  "))
        let unknown = verdict(.video, [1, 2, 3])
        #expect(unknown.isSuspect && unknown.line == "video.js  unknown  \(BlobAddress(of: [1, 2, 3]).hex)")
    }

    @Test func `where no script is wanted there is a note, and where nothing is served nothing is compared`() {
        let note = verdict(.open, WebPage.note.bytes, policy: WebPage.note.policy.description)
        #expect(!note.isSuspect && note.line.hasPrefix("note.html  the same, of release \(Release.version)  "))
        #expect(verdict(.send, WebPage.note.bytes, policy: WebPage.note.policy.description).isSuspect)
        let absent = verdict(.send, nil)
        #expect(!absent.isSuspect && absent.line == "send.html  not served")
    }

    @Test(arguments: [
        ("", "0.1.0 (unknown commit)"), ("0123abcd", "0.1.0 (commit 0123abcd)"),
        ("0123abcd+", "0.1.0 (commit 0123abcd, and changes)"),
    ])
    func `the version tells the commit, where it is known`(commit: String, text: String) {
        #expect(Release.text(commit: commit) == text.replacing("0.1.0", with: Release.version))
    }
}

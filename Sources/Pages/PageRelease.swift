import Blobs
import CPages

/// Whose page some bytes are, as far as this program can say.
package enum PageOrigin: Hashable, Sendable {
    /// The page that this program has.
    case same
    /// That of a release before it.
    case released(version: String)
    /// None that it knows. `claim` is the version that the page names, which anybody can write there.
    case unknown(claim: String?)
}

/// The digests of the pages of releases, so that a page can be recognized.
package struct PageDigests: Sendable {
    private struct KnownPage: Sendable {
        let version: String
        let name: String
        let digest: BlobAddress
    }

    private let entries: [KnownPage]

    /// The pages that this program has, as `satcheld page --digest` prints them: the form of sha256sum(1).
    package static var own: String {
        let pages = WebPage.all.map { ($0.name.rawValue, $0.digest) } + [("saved.html", BlobAddress(of: WebPage.saved))]
        return "# \(Release.version)\n" + pages.map { "\($0.1.hex)  \($0.0)" }.joined(separator: "\n")
    }

    /// Those of past releases.
    package static let released = PageDigests(EmbeddedFile.text(CPAGES_RELEASED))

    /// Reads what `own` prints, for any number of releases. A line of another kind is a comment.
    package init(_ text: some StringProtocol) {
        var (entries, version) = ([KnownPage](), "")
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2 else { continue }
            if words[0] == "#" {
                version = String(words[1])
            } else if let digest = BlobAddress(hex: words[0]) {
                entries.append(KnownPage(version: version, name: String(words[1]), digest: digest))
            }
        }
        self.entries = entries
    }

    /// Whose page `bytes` are, which came from the place of `page`.
    package func origin(of bytes: [UInt8], as page: WebPage) -> PageOrigin {
        let digest = BlobAddress(of: bytes)
        if digest == page.digest { return .same }
        let known = entries.first { $0.digest == digest && $0.name == page.name.rawValue }
        return known.map { .released(version: $0.version) } ?? .unknown(claim: Self.claim(in: bytes))
    }

    /// The version in `<meta name="generator" content="Satchel 1.2.3">`, near the beginning of a page.
    private static func claim(in bytes: [UInt8]) -> String? {
        let mark = "<meta name=\"generator\" content=\"Satchel "
        let head = String(decoding: bytes.prefix(4096), as: UTF8.self)
        guard let start = head.firstRange(of: mark)?.upperBound else { return nil }
        let version = head[start...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || ".-+".contains($0)) }
        return version.isEmpty || version.count > 40 ? nil : String(version)
    }
}

package import Blobs
import CPages

/// A file that browsers get from a server: its bytes, and what it may do.
package struct WebPage: Sendable {
    /// Which of them.
    package enum Name: String, CaseIterable, Sendable {
        /// Opens what a link leads to.
        case open = "open.html"
        /// Sends a file.
        case send = "send.html"
        /// The service worker that plays films by ranges, for the first.
        case video = "video.js"
        /// What stands at the place of the first where no script is wanted.
        case note = "note.html"
        /// What stands beside it, where a link leads that was cut.
        case cut = "cut.html"
    }

    package let name: Name
    package let bytes: [UInt8]
    /// The same in gzip's form (RFC 1952), made when the page was.
    package let gzip: [UInt8]?
    package let policy: PagePolicy
    /// The SHA-256 of `bytes`.
    package let digest: BlobAddress

    init(_ name: Name, _ bytes: [UInt8], gzip: [UInt8]?, _ policy: PagePolicy) {
        self.name = name
        self.bytes = bytes
        self.gzip = gzip
        self.policy = policy
        digest = BlobAddress(of: bytes)
    }

    package var mediaType: String {
        name == .video ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8"
    }

    package static let open = WebPage(
        .open, EmbeddedFile.bytes(CPAGES_OPEN), gzip: EmbeddedFile.bytes(CPAGES_OPEN_GZIP), .embedded(of: "open.html"))

    package static let send = WebPage(
        .send, EmbeddedFile.bytes(CPAGES_SEND), gzip: EmbeddedFile.bytes(CPAGES_SEND_GZIP), .embedded(of: "send.html"))

    package static let video = WebPage(
        .video, EmbeddedFile.bytes(CPAGES_VIDEO), gzip: EmbeddedFile.bytes(CPAGES_VIDEO_GZIP),
        .embedded(of: "video.js"))

    /// All of them, those for people first.
    package static var all: [WebPage] { [open, send, video, note, cut] }

    /// The page that opens, as a file of its own: what a server would say of it in a field is said in the page.
    package static var saved: [UInt8] {
        let (mark, policy) = ("<meta charset=\"utf-8\">\n", PagePolicy.embedded(of: "saved.html"))
        let parts = String(decoding: open.bytes, as: UTF8.self).split(
            separator: mark, maxSplits: 1, omittingEmptySubsequences: false)
        precondition(parts.count == 2, "open.html has the mark behind which its policy goes")
        let said = "<meta http-equiv=\"Content-Security-Policy\" content=\"\(policy)\">\n"
        return Array("\(parts[0])\(mark)\(said)\(parts[1])".utf8)
    }
}

/// The files of Sources/Pages/Resources, as CPages has them.
enum EmbeddedFile {
    static func bytes(_ file: cpages_file) -> [UInt8] {
        let found = unsafe cpages_find(file)
        // Safe: the bytes are constants of the program, and as many as it says.
        return unsafe Array(UnsafeBufferPointer(start: found.start, count: found.count))
    }

    static func text(_ file: cpages_file) -> String { String(decoding: bytes(file), as: UTF8.self) }
}

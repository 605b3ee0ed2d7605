import Blobs
import Transfer

/// Where a download may be sent on to: three times at most, to a blob of the same name, never to a weaker scheme.
/// Whether the host is one that we go to is for `HostPolicy` to say.
struct RedirectRule: Sendable {
    static let limit = 3

    let address: BlobAddress

    enum Step: Hashable, Sendable {
        case follow(WebURL)
        case refuse(String)
    }

    /// Decides on redirect number `count` (from 1) away from `url`, whose answer had this `Location`.
    func step(from url: WebURL, location: String?, count: Int) -> Step {
        guard count <= Self.limit else { return .refuse("more than \(Self.limit) redirects") }
        guard let location, let next = url.resolving(location) else { return .refuse("it names no place") }
        guard url.origin.scheme == .http || next.origin.scheme == .https else {
            return .refuse("from https to http")
        }
        let name = next.lastPathPart.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)[0]
        guard name == address.hex else { return .refuse("to something else than this file") }
        return .follow(next)
    }

    static func isRedirect(_ status: Int) -> Bool { [301, 302, 303, 307, 308].contains(status) }
}

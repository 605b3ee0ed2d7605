package import Blobs
import MediaMessage

/// What can be known of a ticket without its server: where it comes from, and what it says of itself. Never the ticket.
package struct TicketLook: Hashable, Sendable {
    /// In words: `the file /home/ada/ticket`.
    package let place: String
    /// When it ends; nil for one that does not say, such as a local ticket.
    package let expires: Timestamp?
    /// The largest blob, in bytes.
    package let largestBytes: Int64?
    package let longestLifetime: Lifetime?

    /// Reads the claims of a signed ticket (JWT, RFC 7519), unverified: they are shown, and nothing is decided by them.
    init(_ word: String, place: String) {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        let claims = parts.count == 3 ? Base64URL.decode(parts[1]).flatMap { JSONMembers($0) } : nil
        self.place = place
        expires = claims?.timestamp("exp")
        largestBytes = claims?.integer("max_size")
        longestLifetime = claims?.integer("max_lifetime").flatMap { Lifetime(seconds: $0) }
    }
}

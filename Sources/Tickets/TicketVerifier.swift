package import Blobs
import Synchronization

/// Verifies tickets, with keys that can be replaced at any time.
package final class TicketVerifier: Sendable {
    private let keys: Mutex<TicketKeys>
    private let rule: TicketRule

    /// Accepts tickets for `audience` that were signed with one of `keys`.
    package init(keys: TicketKeys, audience: String) {
        self.keys = Mutex(keys)
        rule = TicketRule(audience: audience)
    }

    /// Uses `keys` from now on.
    package func replace(_ keys: TicketKeys) {
        self.keys.withLock { $0 = keys }
    }

    /// The ticket in `token`; throws why it is rejected at `now`.
    ///
    /// The key is chosen by the name in the token, and the token's algorithm compared with the key's, before anything
    /// is verified: a token never decides how it is verified (RFC 8725 §3.1).
    package func ticket(_ token: String, now: Timestamp) async throws(TicketRefusal) -> Ticket {
        let header = try TokenHeader(token: token)
        guard let key = keys.withLock({ $0[header.keyName] }) else { throw .unknownKey }
        guard header.algorithm == key.algorithm.rawValue else { throw .wrongAlgorithm }
        return try rule.validate(try await key.claims(of: token), now: now)
    }
}

/// The right to upload and to add leases, as issued by the chat server and verified here.
package struct Ticket: Hashable, Sendable {
    /// Whom it was issued to and who is charged: 1…256 bytes, preferably a pseudonym.
    package let subject: String
    /// The only blob that it permits; nil for any.
    package let address: BlobAddress?
    /// How large a blob may be, and how long it may be kept.
    package let entitlement: Entitlement
    /// The most recipients that a lease made with it may name; nil for any number.
    package let mostRecipients: Int?
}

/// Why a ticket is rejected, as its holder is told; never a part of the ticket itself.
package enum TicketRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not three base64url parts with a JSON header, or too long.
    case malformed
    /// No `kid` says which key it was signed with.
    case namesNoKey
    case unknownKey
    /// `alg` is not the algorithm of the key that it names.
    case wrongAlgorithm
    /// The header requires an extension that is not supported (RFC 7515 §4.1.11).
    case criticalExtension
    case wrongSignature
    case wrongAudience
    case expired
    case notYetValid
    /// `exp` is too far ahead.
    case lastsTooLong
    /// A claim is missing or malformed.
    case badClaim(String)

    package var description: String {
        switch self {
        case .malformed: "it is not a signed JSON Web Token"
        case .namesNoKey: "it does not name its key (kid)"
        case .unknownKey: "no key of that name (kid) is configured here"
        case .wrongAlgorithm: "its algorithm (alg) does not match its key"
        case .criticalExtension: "it requires extensions (crit) that are not supported here"
        case .wrongSignature: "its signature does not verify"
        case .wrongAudience: "it is for another audience (aud)"
        case .expired: "it has expired (exp)"
        case .notYetValid: "it is not valid yet (nbf)"
        case .lastsTooLong: "it expires (exp) more than 24 hours ahead"
        case .badClaim(let name): "its \(name) claim is missing or malformed"
        }
    }
}

package import Blobs
import Synchronization

/// Verifies tickets: signed ones, with keys that can be replaced at any time, or the one local ticket.
package final class TicketVerifier: Sendable {
    private enum Accepted {
        case signed(TicketKeys, TicketRule)
        case local(LocalTicket)
    }

    private let accepted: Mutex<Accepted>
    /// Whether nothing but the local ticket is accepted.
    package let isLocal: Bool

    /// Accepts tickets for `audience` that were signed with one of `keys`.
    package init(keys: TicketKeys, audience: String) {
        accepted = Mutex(.signed(keys, TicketRule(audience: audience)))
        isLocal = false
    }

    /// Accepts this ticket alone.
    package init(_ local: LocalTicket) {
        accepted = Mutex(.local(local))
        isLocal = true
    }

    /// Uses `keys` from now on, where tickets are signed.
    package func replace(_ keys: TicketKeys) {
        accepted.withLock { accepted in
            if case .signed(_, let rule) = accepted { accepted = .signed(keys, rule) }
        }
    }

    /// The ticket in `token`; throws why it is rejected at `now`.
    ///
    /// The key is chosen by the name in the token, and the token's algorithm compared with the key's, before anything
    /// is verified: a token never decides how it is verified (RFC 8725 §3.1).
    package func ticket(_ token: String, now: Timestamp) async throws(TicketRefusal) -> Ticket {
        switch accepted.withLock({ $0 }) {
        case .local(let local): return try local.ticket(token)
        case .signed(let keys, let rule):
            let header = try TokenHeader(token: token)
            guard let key = keys[header.keyName] else { throw .unknownKey }
            guard header.algorithm == key.algorithm.rawValue else { throw .wrongAlgorithm }
            return try rule.validate(try await key.claims(of: token), now: now)
        }
    }
}

/// The right to upload and to add leases, as issued by the chat server, or by this one to its own user.
package struct Ticket: Hashable, Sendable {
    /// Whom it was issued to and who is charged: 1…256 bytes, preferably a pseudonym.
    package let subject: String
    /// The only blob that it permits; nil for any.
    package let address: BlobAddress?
    /// How large a blob may be, and how long it may be kept.
    package let entitlement: Entitlement
    /// The most recipients that a lease made with it may name; nil for any number.
    package let mostRecipients: Int?
    /// Whether bytes of any kind may be uploaded in one request, whatever the server takes from others.
    package let acceptsAny: Bool

    package init(
        subject: String, address: BlobAddress?, entitlement: Entitlement, mostRecipients: Int?, acceptsAny: Bool = false
    ) {
        self.subject = subject
        self.address = address
        self.entitlement = entitlement
        self.mostRecipients = mostRecipients
        self.acceptsAny = acceptsAny
    }

    /// Who is charged for what a ticket of `subject` permits. No ticket can be issued for an address.
    package static func chargedSubject(_ subject: String) -> String { "ticket:\(subject)" }
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
    /// Only the local ticket is accepted, and this is not it.
    case notLocal

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
        case .notLocal: "it is not the local ticket, which is new at each start of the server"
        }
    }
}

/// What a ticket with a valid signature must contain to be accepted.
struct TicketRule: Sendable {
    /// How far the clocks of the chat server and this one may differ.
    static let leewaySeconds: Int64 = 60
    /// How far ahead a ticket may expire.
    static let longestSeconds: Int64 = 86_400
    /// The longest subject, in bytes.
    static let subjectLimitBytes = 256

    /// The audience that a ticket must name.
    let audience: String

    /// Checks the claims at `now`, the times first, since an expired ticket is the likely case.
    func validate(_ claims: TicketClaims, now: Timestamp) throws(TicketRefusal) -> Ticket {
        try validateTimes(claims, now: now)
        guard let audiences = claims.audiences else { throw .badClaim("aud") }
        guard audiences.contains(audience) else { throw .wrongAudience }
        // Not every catalog can hold a NUL.
        guard let subject = claims.subject, (1...Self.subjectLimitBytes).contains(subject.utf8.count),
            !subject.utf8.contains(0)
        else {
            throw .badClaim("sub")
        }
        return try Ticket(
            subject: subject, address: address(claims),
            entitlement: Entitlement(largestBytes: largestBytes(claims), longestLifetime: longestLifetime(claims)),
            mostRecipients: mostRecipients(claims), acceptsAny: acceptsAny(claims))
    }

    private func acceptsAny(_ claims: TicketClaims) throws(TicketRefusal) -> Bool {
        guard let accept = claims.accept else { return false }
        guard accept == "any" else { throw .badClaim("accept") }
        return true
    }

    private func validateTimes(_ claims: TicketClaims, now: Timestamp) throws(TicketRefusal) {
        // Doubles hold every second of the next hundred million years, and no time is too large for one.
        let present = Double(now.seconds)
        let leeway = Double(Self.leewaySeconds)
        guard let expires = claims.expires else { throw .badClaim("exp") }
        guard expires > present - leeway else { throw .expired }
        guard expires <= present + Double(Self.longestSeconds) + leeway else { throw .lastsTooLong }
        if let notBefore = claims.notBefore, notBefore > present + leeway { throw .notYetValid }
    }

    private func address(_ claims: TicketClaims) throws(TicketRefusal) -> BlobAddress? {
        guard let text = claims.sha256 else { return nil }
        guard let address = BlobAddress(hex: text) else { throw .badClaim("sha256") }
        return address
    }

    private func largestBytes(_ claims: TicketClaims) throws(TicketRefusal) -> Int64? {
        guard let bytes = claims.maxSize else { return nil }
        guard bytes >= 0 else { throw .badClaim("max_size") }
        return bytes
    }

    private func longestLifetime(_ claims: TicketClaims) throws(TicketRefusal) -> Lifetime? {
        guard let seconds = claims.maxLifetime else { return nil }
        guard let lifetime = Lifetime(seconds: seconds) else { throw .badClaim("max_lifetime") }
        return lifetime
    }

    private func mostRecipients(_ claims: TicketClaims) throws(TicketRefusal) -> Int? {
        guard let count = claims.recipients else { return nil }
        guard (1...LeaseTerms.recipientLimit).contains(count) else { throw .badClaim("recipients") }
        return count
    }
}

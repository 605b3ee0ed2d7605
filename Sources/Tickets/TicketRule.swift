import Blobs

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
        guard let subject = claims.subject, (1...Self.subjectLimitBytes).contains(subject.utf8.count) else {
            throw .badClaim("sub")
        }
        return try Ticket(
            subject: subject, address: address(claims),
            entitlement: Entitlement(largestBytes: largestBytes(claims), longestLifetime: longestLifetime(claims)),
            mostRecipients: mostRecipients(claims))
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

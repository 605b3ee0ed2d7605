package import Blobs

/// Issues tickets, for trying out a server; in production the chat server does that.
package enum TicketMint {
    /// The contents of a ticket.
    package struct Order: Sendable {
        package var audience: String
        package var subject: String
        package var expires: Timestamp
        package var address: BlobAddress?
        package var entitlement: Entitlement
        package var mostRecipients: Int?
        package var acceptsAny: Bool

        package init(
            audience: String, subject: String, expires: Timestamp, address: BlobAddress? = nil,
            entitlement: Entitlement = .unlimited, mostRecipients: Int? = nil, acceptsAny: Bool = false
        ) {
            self.audience = audience
            self.subject = subject
            self.expires = expires
            self.address = address
            self.entitlement = entitlement
            self.mostRecipients = mostRecipients
            self.acceptsAny = acceptsAny
        }
    }

    /// A token signed with the key in the file at `path`: an Ed25519 private key, or a secret.
    ///
    /// Throws for an order that every server would reject, with the server's reason.
    package static func token(_ order: Order, keyAt path: String, now: Timestamp) async throws -> String {
        let file = KeyFile(path: path)
        let name: String
        do throws(KeyFault) { name = try file.name() } catch { throw TicketKeyError.key(path: path, why: error.phrase) }
        let material = try file.material()
        if case .publicKey = material {
            throw TicketKeyError.key(path: path, why: "it is a public key, which cannot sign; use the private one")
        }
        let claims = TicketClaims(
            audiences: [order.audience], expires: Double(order.expires.seconds), subject: order.subject,
            sha256: order.address?.hex, maxSize: order.entitlement.largestBytes,
            maxLifetime: order.entitlement.longestLifetime?.seconds, recipients: order.mostRecipients,
            accept: order.acceptsAny ? "any" : nil)
        _ = try TicketRule(audience: order.audience).validate(claims, now: now)
        return try await TicketKey(name: name, material).sign(claims)
    }
}

package import Blobs

/// Makes tickets, for trying a server out; in earnest the chat server does that.
package enum TicketMint {
    /// What a ticket shall say.
    package struct Order: Sendable {
        package var audience: String
        package var subject: String
        package var expires: Timestamp
        package var address: BlobAddress?
        package var entitlement: Entitlement
        package var mostRecipients: Int?

        package init(
            audience: String, subject: String, expires: Timestamp, address: BlobAddress? = nil,
            entitlement: Entitlement = .unlimited, mostRecipients: Int? = nil
        ) {
            self.audience = audience
            self.subject = subject
            self.expires = expires
            self.address = address
            self.entitlement = entitlement
            self.mostRecipients = mostRecipients
        }
    }

    /// A token signed with the key in the file at `path`: an Ed25519 private key, or a secret.
    ///
    /// Refuses an order that no server would take, with the sentence that the server would give.
    package static func token(_ order: Order, keyAt path: String, now: Timestamp) async throws -> String {
        let file = KeyFile(path: path)
        let name: String
        do throws(KeyFault) { name = try file.name() } catch { throw TicketKeyError.key(path: path, why: error.phrase) }
        let material = try file.material()
        if case .publicKey = material {
            throw TicketKeyError.key(path: path, why: "a public key cannot sign; name the private one")
        }
        let claims = TicketClaims(
            audiences: [order.audience], expires: Double(order.expires.seconds), subject: order.subject,
            sha256: order.address?.hex, maxSize: order.entitlement.largestBytes,
            maxLifetime: order.entitlement.longestLifetime?.seconds, recipients: order.mostRecipients)
        _ = try TicketRule(audience: order.audience).judge(claims, now: now)
        return try await TicketKey(name: name, material).sign(claims)
    }
}

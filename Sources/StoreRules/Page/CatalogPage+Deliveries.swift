package import Blobs

/// Who says "delivered", with which secret, of which blob.
package struct DeliveryKey: Hashable, Sendable {
    package let address: BlobAddress
    package let hash: SecretHash
    package let recipient: Recipient

    package init(address: BlobAddress, hash: SecretHash, recipient: Recipient) {
        self.address = address
        self.hash = hash
        self.recipient = recipient
    }
}

/// What is stored of "delivered" for one lease that admits a secret.
package struct StoredDelivery: Hashable, Sendable {
    /// The place of the lease.
    package let lease: Int
    /// How many have said so.
    package let received: Int
    /// Whether this secret has, in anybody's name, and in the name of this recipient.
    package let isKnownSecret: Bool
    package let isKnownRecipient: Bool

    package init(lease: Int, received: Int, isKnownSecret: Bool, isKnownRecipient: Bool) {
        self.lease = lease
        self.received = received
        self.isKnownSecret = isKnownSecret
        self.isKnownRecipient = isKnownRecipient
    }
}

/// One "delivered" of a lease.
package struct ReceiptKey: Hashable, Sendable {
    /// The place of the lease.
    package let lease: Int
    package let hash: SecretHash
    package let recipient: Recipient
}

extension CatalogPage {
    /// The facts for every lease that admits the secret, each with the place of the lease.
    mutating func deliveries(_ key: DeliveryKey) -> [(place: Int, facts: DeliveryFacts)] {
        (deliveries.row(key) ?? []).compactMap { stored in
            guard let lease = leases[stored.lease] else { return nil }
            let new = receipts.changed.filter { $0.key.lease == stored.lease && $0.current != nil }
            let counting = DeliveryCounting(hashes: lease.hashes, recipients: lease.recipients) ?? .nobody
            let isKnown =
                if case .shared = counting {
                    stored.isKnownRecipient
                        || new.contains { $0.key.hash == key.hash && $0.key.recipient == key.recipient }
                } else {
                    stored.isKnownSecret || new.contains { $0.key.hash == key.hash }
                }
            let facts = DeliveryFacts(
                lease: lease, counting: counting, received: stored.received + new.count, isKnown: isKnown)
            return (stored.lease, facts)
        }
    }

    /// Notes a "delivered" of the lease at `place`.
    mutating func note(_ key: DeliveryKey, ofLeaseAt place: Int) {
        receipts.set(now, for: ReceiptKey(lease: place, hash: key.hash, recipient: key.recipient))
    }
}

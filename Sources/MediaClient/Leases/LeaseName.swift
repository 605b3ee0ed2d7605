package import Blobs
package import MediaMessage

/// A short name for a lease: the first eight digits of its blob's address, and four that tell it from other leases on the
/// same blob: `3fa9c1d2-7b01`.
package struct LeaseName: Hashable, Sendable, CustomStringConvertible {
    static let addressDigits = 8
    static let tagDigits = 4

    package let description: String

    package init(_ address: BlobAddress, owner: Secret) {
        let tag = Hexadecimal.encode(owner.hash.bytes).prefix(Self.tagDigits)
        description = "\(address.abbreviated)-\(tag)"
    }
}

/// What a person writes to pick leases: the beginning of an address, at least eight digits, optionally with a tag.
package struct LeasePattern: Hashable, Sendable {
    private let address: String
    private let tag: String?

    /// Nil for anything else, which may be a file.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard (LeaseName.addressDigits...2 * BlobAddress.byteCount).contains(parts[0].utf8.count),
            parts.allSatisfy(Self.areDigits)
        else { return nil }
        guard parts.count == 1 || parts[1].utf8.count == LeaseName.tagDigits else { return nil }
        address = String(parts[0])
        tag = parts.count == 2 ? String(parts[1]) : nil
    }

    package func matches(_ lease: SentLease) -> Bool { matches(lease.address, lease.name) }

    package func matches(_ record: OutboxRecord) -> Bool { matches(record.message.address, record.name) }

    private func matches(_ address: BlobAddress, _ name: LeaseName) -> Bool {
        address.hex.hasPrefix(self.address) && (tag.map { name.description.hasSuffix("-\($0)") } ?? true)
    }

    private static func areDigits(_ text: Substring) -> Bool {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

/// Which of the leases made from here are meant.
package enum LeaseSelector: Sendable {
    case all
    case pattern(LeasePattern)
    /// The lease whose receipt secret the message carries; without one, all leases on its blob.
    case message(MediaMessage)

    package func select(from leases: [SentLease]) -> [SentLease] {
        switch self {
        case .all: return leases
        case .pattern(let pattern): return leases.filter { pattern.matches($0) }
        case .message(let message):
            let onBlob = leases.filter { $0.address == message.address }
            guard let receipt = message.receipt else { return onBlob }
            return onBlob.filter { lease in lease.receipts.contains { $0.bytes == receipt.bytes } }
        }
    }

    /// The one lease that is meant; throws if there is none, or more than one.
    package func selectOne(from leases: [SentLease]) throws(MediaClientError) -> SentLease {
        let chosen = select(from: leases)
        guard let lease = chosen.first else { throw .notSent }
        guard chosen.count == 1 else { throw .ambiguous(chosen.map(\.name)) }
        return lease
    }
}

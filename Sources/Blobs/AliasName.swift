/// A name that leads to one lease: the SHA-256 of something that only those who may read the blob are told. Whoever
/// knows it reads the bytes by it; by their address they are not served for that.
package struct AliasName: Hashable, Sendable, CustomStringConvertible {
    /// Kept as an address is, since it is looked up as often.
    private let digest: BlobAddress

    /// The name that is the digest of `bytes`.
    package init(hashing bytes: [UInt8]) {
        var hasher = BlobHasher()
        hasher.update(bytes)
        digest = hasher.address()
    }

    /// A name from its 32 bytes; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard let digest = BlobAddress(bytes: bytes) else { return nil }
        self.digest = digest
    }

    /// The 32 bytes.
    package var bytes: [UInt8] { digest.bytes }

    /// The first eight digits: enough to tell names apart in a log, too few to read by.
    package var abbreviated: String { digest.abbreviated }

    package var description: String { abbreviated }
}

/// In JSON a name is its 64 digits.
extension AliasName: Codable {
    package init(from decoder: any Decoder) throws { digest = try BlobAddress(from: decoder) }

    package func encode(to encoder: any Encoder) throws { try digest.encode(to: encoder) }
}

/// The name by which a lease is to be read, and what the name is for.
package struct LeaseAlias: Hashable, Sendable {
    package let name: AliasName
    /// Where names of this kind come from, as an operator calls it: kept with the lease, so that they can be counted.
    package let via: String

    package init(name: AliasName, via: String) {
        self.name = name
        self.via = via
    }
}

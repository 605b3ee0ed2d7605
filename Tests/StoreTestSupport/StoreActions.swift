package import Blobs
package import Store

/// What tests do most often to a store.
extension LeaseStore {
    /// Uploads `bytes` in pieces of `piece`.
    @discardableResult
    package func upload(
        _ bytes: [UInt8], owner: Secret? = nil, lifetime: Lifetime? = nil, subject: String = "somebody",
        announced: Bool = true, piece: Int = 1 << 16
    ) async throws(StoreError) -> StoredBlob {
        let terms = LeaseTerms(lifetime: lifetime, owner: owner?.hash, subject: subject)
        let session = try await begin(
            UploadAnnouncement(
                size: announced ? Int64(bytes.count) : nil, address: announced ? address(of: bytes) : nil, terms: terms)
        )
        for start in stride(from: 0, to: bytes.count, by: piece) {
            try await session.append(Array(bytes[start..<min(start + piece, bytes.count)]))
        }
        return try await session.commit()
    }

    /// Renews a lease as `subject`, where one is given.
    package func renew(
        on address: BlobAddress, owner: Secret, lifetime: Lifetime?, subject: String?
    ) async throws(StoreError) -> Lease {
        try await renew(on: address, owner: owner, terms: RenewalTerms(lifetime: lifetime, subject: subject))
    }

    /// Uploads `bytes` on these terms.
    @discardableResult
    package func upload(_ bytes: [UInt8], on terms: LeaseTerms) async throws(StoreError) -> StoredBlob {
        let session = try await begin(
            UploadAnnouncement(size: Int64(bytes.count), address: address(of: bytes), terms: terms))
        try await session.append(bytes)
        return try await session.commit()
    }
}

extension BlobStore {
    /// The whole blob at `address`, or in a word what is there instead.
    package func fetch(_ address: BlobAddress) async throws(StoreError) -> Fetched {
        switch try await find(address) {
        case .unknown: return .unknown
        case .damaged: return .damaged
        case .gone(let reason): return .gone(reason)
        case .unreachable, .unanswered: throw .unavailable("the truth is elsewhere")
        case .held(let blob):
            guard let range = ByteRange(offset: 0, count: blob.size, within: blob.size) else { return .held([]) }
            return .held(try await blob.content.read(range))
        }
    }
}

/// What a test sees of a blob.
package enum Fetched: Hashable {
    case held([UInt8])
    case gone(EndReason)
    case damaged
    case unknown
}

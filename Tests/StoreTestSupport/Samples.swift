package import Blobs
package import Store
import TestSupport

/// Bytes that differ for every seed.
package func content(_ seed: Int, count: Int = 1000) -> [UInt8] {
    var state = UInt64(truncatingIfNeeded: seed) &* 0x9e37_79b9_7f4a_7c15 | 1
    return makeBytes(count) { _ in
        state ^= state &<< 13
        state ^= state &>> 7
        state ^= state &<< 17
        return UInt8(truncatingIfNeeded: state)
    }
}

/// The address of `bytes`.
package func address(of bytes: [UInt8]) -> BlobAddress {
    var hasher = BlobHasher()
    hasher.update(bytes)
    return hasher.address()
}

/// A secret that is the same for the same seed.
package func secret(_ seed: Int) -> Secret {
    guard let secret = Secret(bytes: content(seed &+ 77, count: Secret.byteCount)) else {
        preconditionFailure("sixteen bytes are a secret")
    }
    return secret
}

/// The name that somebody goes by to one blob: the same for the same seed.
package func recipient(_ seed: Int) -> Recipient {
    guard let recipient = Recipient(bytes: content(seed &+ 7_000_000, count: Recipient.byteCount)) else {
        preconditionFailure("sixteen bytes are a recipient")
    }
    return recipient
}

/// So many seconds from a number that is at least 1.
package func seconds(_ count: Int64) -> Lifetime {
    guard let lifetime = Lifetime(seconds: count) else { preconditionFailure("a lifetime is at least a second") }
    return lifetime
}

/// Terms for a group, as a test says them.
package func terms(
    owner: Int? = nil, lifetime: Lifetime? = nil, recipients: Int? = nil, receipts: [Secret] = [],
    subject: String = "somebody"
) -> LeaseTerms {
    LeaseTerms(
        lifetime: lifetime, recipients: recipients, owner: owner.map { secret($0).hash },
        receipts: receipts.map(\.hash), subject: subject)
}

/// An upload of so many bytes, or of any number, that somebody announces.
package func announcing(_ size: Int64?) -> UploadAnnouncement {
    UploadAnnouncement(size: size, address: nil, terms: LeaseTerms(subject: "somebody"))
}

extension Sequence {
    /// One after the other.
    package func asyncMap<Value>(_ transform: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}

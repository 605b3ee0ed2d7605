import Crypto

/// Sixteen random bytes that grant a right: to see, renew or end a lease, or to confirm a delivery.
/// Written as 22 base64url characters; the server keeps only its hash.
package struct Secret: Sendable, CustomStringConvertible {
    /// Bytes in a secret.
    package static let byteCount = 16

    /// The 16 bytes.
    package let bytes: [UInt8]

    /// A secret from its 16 bytes; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// A secret from exactly 22 base64url characters.
    package init?(base64url text: some StringProtocol) {
        guard let bytes = Base64URL.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// A new secret from the system's random generator.
    package static func random() -> Secret {
        var generator = SystemRandomNumberGenerator()
        return Secret(unchecked: (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// The 22 characters, for the one message or request field that carries it.
    package var base64url: String { Base64URL.encode(bytes) }

    /// SHA-256 of the 16 bytes: what the server stores.
    package var hash: SecretHash { SecretHash(Array(SHA256.hash(data: bytes))) }

    /// Never the secret itself: descriptions end up in logs.
    package var description: String { "secret" }
}

/// The SHA-256 of a `Secret`, written as 43 base64url characters.
package struct SecretHash: Sendable, Hashable {
    /// Bytes in a hash.
    package static let byteCount = SHA256.byteCount

    /// The 32 bytes.
    package let bytes: [UInt8]

    fileprivate init(_ digest: [UInt8]) { bytes = digest }

    /// A hash from its 32 bytes; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// A hash from exactly 43 base64url characters.
    package init?(base64url text: some StringProtocol) {
        guard let bytes = Base64URL.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    package var base64url: String { Base64URL.encode(bytes) }

    /// Equal in a time that does not depend on where the bytes differ.
    package static func == (left: Self, right: Self) -> Bool {
        var difference: UInt8 = 0
        for (a, b) in zip(left.bytes, right.bytes) { difference |= a ^ b }
        return difference == 0
    }
}

/// The name of one person for one blob and receipt secret: 16 bytes that the client derives (`docs/http-api.md`). The
/// same from all devices of that person and on every retry, and of no use anywhere else.
package struct Recipient: Hashable, Sendable, CustomStringConvertible {
    /// Bytes in a pseudonym.
    package static let byteCount = 16

    /// The 16 bytes.
    package let bytes: [UInt8]

    /// A pseudonym from its 16 bytes; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// A pseudonym from exactly 22 base64url characters.
    package init?(base64url text: some StringProtocol) {
        guard let bytes = Base64URL.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// The 22 characters, as they stand in a path and in the lease.
    package var base64url: String { Base64URL.encode(bytes) }

    /// Never the pseudonym itself: descriptions end up in logs.
    package var description: String { "recipient" }
}

/// Names one resumable upload. Whoever knows it may resume the upload, so it is 128 random bits, written as 32
/// lower-case hexadecimal digits.
package struct UploadID: Hashable, Sendable, CustomStringConvertible {
    /// Bytes in an id.
    package static let byteCount = 16

    /// The 16 bytes.
    package let bytes: [UInt8]

    /// An id from its 16 bytes; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(unchecked: Array(bytes))
    }

    /// An id from exactly 32 lower-case hexadecimal digits.
    package init?(hex text: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// A new id that nobody can guess.
    package static func random() -> UploadID {
        var generator = SystemRandomNumberGenerator()
        let halves = [generator.next(), generator.next()]
        return UploadID(
            unchecked: (0..<byteCount).map { UInt8(truncatingIfNeeded: halves[$0 / 8] >> (UInt64($0) % 8 * 8)) })
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// The 32 digits, as they stand in a path and name the staged file.
    package var hex: String { Hexadecimal.encode(bytes) }

    /// Never the id itself: descriptions end up in logs.
    package var description: String { "upload" }
}

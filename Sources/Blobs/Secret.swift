import Crypto

/// Sixteen random bytes that grant a right: to see, renew or end a lease, or to confirm a delivery.
/// Written as 22 base64url characters; the server keeps only its hash.
package struct Secret: Base64URLBytes, CustomStringConvertible {
    package static let byteCount = 16
    package let bytes: [UInt8]

    package init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// SHA-256 of the 16 bytes: what the server stores.
    package var hash: SecretHash { SecretHash(unchecked: Array(SHA256.hash(data: bytes))) }

    /// Never the secret itself: descriptions end up in logs.
    package var description: String { "secret" }
}

/// The SHA-256 of a `Secret`, written as 43 base64url characters.
package struct SecretHash: Base64URLBytes, Hashable {
    package static let byteCount = SHA256.byteCount
    package let bytes: [UInt8]

    package init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    package static func == (left: Self, right: Self) -> Bool { left.isEqual(to: right) }
}

/// The name of one person for one blob and receipt secret: 16 bytes that the client derives (`docs/http-api.md`), written
/// as 22 base64url characters. The same from all devices of that person and on every retry, and of no use anywhere else.
package struct Recipient: Base64URLBytes, Hashable, CustomStringConvertible {
    package static let byteCount = 16
    package let bytes: [UInt8]

    package init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Never the pseudonym itself: descriptions end up in logs.
    package var description: String { "recipient" }
}

/// Names one resumable upload. Whoever knows it may resume the upload, so it is 128 random bits, written as 32
/// lower-case hexadecimal digits; they stand in a path and name the staged file.
package struct UploadID: HexadecimalBytes, Hashable, CustomStringConvertible {
    package static let byteCount = 16
    package let bytes: [UInt8]

    package init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Never the id itself: descriptions end up in logs.
    package var description: String { "upload" }
}

/// The hash over the header and the index of an indexed blob (`docs/sealed-blob.md`, "Index"): whoever has it from the
/// message can judge every chunk by itself. Written as 43 base64url characters.
package struct IndexRoot: Base64URLBytes, Hashable {
    package static let byteCount = 32
    package let bytes: [UInt8]

    package init(unchecked bytes: [UInt8]) { self.bytes = bytes }
}

import Blobs
import Crypto
import Files
import Foundation
package import Glibc

/// Makes signed tokens of any kind, good and bad, without the code under test, and the key files that go with them.
package struct TokenForge: Sendable {
    /// How a token is signed.
    package enum Signature: Sendable {
        /// With the forge's Ed25519 key.
        case edDSA
        /// With an Ed25519 key that nobody knows.
        case strangersKey
        /// With HMAC-SHA-256 under these bytes.
        case hmac([UInt8])
        /// Not at all.
        case none
    }

    /// The names of the forge's two keys.
    package static let publicName = "chat-2026"
    package static let secretName = "chat-old"

    private let privateKey = Curve25519.Signing.PrivateKey()
    /// The secret of the HS256 key.
    package let secret = (0..<32).map { _ in UInt8.random(in: 0...255) }

    package init() {}

    /// The Ed25519 public key as PEM (RFC 8410 §4), which is no secret: whoever has it may try to sign with its bytes.
    package var publicPEM: String {
        Self.pem("PUBLIC KEY", prefix: "302a300506032b6570032100", privateKey.publicKey.rawRepresentation)
    }

    /// The private key as PEM (RFC 8410 §7).
    package var privatePEM: String {
        Self.pem("PRIVATE KEY", prefix: "302e020100300506032b657004220420", privateKey.rawRepresentation)
    }

    /// The 32 bytes of the public key.
    package var publicBytes: [UInt8] { Array(privateKey.publicKey.rawRepresentation) }

    /// Writes the two key files into `folder`, as an operator would.
    package func writeKeys(to folder: String) throws {
        try Folder.make(folder)
        try Self.write(publicPEM, to: "\(folder)/\(Self.publicName).pem")
        try Self.write(Base64URL.encode(secret) + "\n", to: "\(folder)/\(Self.secretName).secret")
    }

    /// Writes a file that only its owner may read.
    package static func write(_ text: String, to path: String, permissions: mode_t = 0o600) throws {
        let file = try OpenFile(path, .create(permissions: 0o600))
        try file.write(Array(text.utf8))
        try file.setPermissions(permissions)
    }

    /// A token of the JSON texts `header` and `claims`.
    package func token(header: String, claims: String, _ signature: Signature) -> String {
        let text = "\(Base64URL.encode(header.utf8)).\(Base64URL.encode(claims.utf8))"
        return "\(text).\(Base64URL.encode(sign(Array(text.utf8), signature)))"
    }

    /// A good token of the Ed25519 key: for `audience`, an hour from now, with further claims as JSON members.
    package func ticket(audience: String, subject: String = "ann", now: Int64, adding members: String = "") -> String {
        token(
            header: #"{"alg":"EdDSA","kid":"\#(Self.publicName)","typ":"JWT"}"#,
            claims: #"{"aud":"\#(audience)","exp":\#(now + 3600),"sub":"\#(subject)"\#(members)}"#, .edDSA)
    }

    private func sign(_ text: [UInt8], _ signature: Signature) -> [UInt8] {
        switch signature {
        // An Ed25519 key signs whatever it is given.
        case .edDSA: Array((try? privateKey.signature(for: text)) ?? Data())
        case .strangersKey: Array((try? Curve25519.Signing.PrivateKey().signature(for: text)) ?? Data())
        case .hmac(let key): Array(HMAC<SHA256>.authenticationCode(for: text, using: SymmetricKey(data: key)))
        case .none: []
        }
    }

    private static func pem(_ label: String, prefix: String, _ key: Data) -> String {
        let base64 = Data((Hexadecimal.decode(prefix) ?? []) + Array(key)).base64EncodedString()
        return "-----BEGIN \(label)-----\n\(base64)\n-----END \(label)-----\n"
    }
}

import Blobs
import JWTKit

/// What a key file holds: an Ed25519 key as PEM (RFC 8410), or a secret of at least 32 bytes for HS256, raw or written
/// in base64url or base64.
enum KeyMaterial: Sendable {
    case publicKey(EdDSA.PublicKey)
    case privateKey(EdDSA.PrivateKey)
    case secret([UInt8])

    /// Bytes of the shortest secret (RFC 7518 §3.2).
    static let secretBytes = 32
    /// Bytes of the largest key file.
    static let limitBytes = 4096

    /// Reads the bytes of a key file.
    init(_ bytes: [UInt8]) throws(KeyFault) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard !text.contains("-----BEGIN ") else {
            self = try Self.key(inPEM: text)
            return
        }
        let secret = try Self.secret(in: bytes)
        guard secret.count >= Self.secretBytes else {
            throw KeyFault("its secret has \(secret.count) bytes; HS256 requires at least \(Self.secretBytes)")
        }
        self = .secret(secret)
    }

    private static func key(inPEM text: String) throws(KeyFault) -> KeyMaterial {
        if let key = try? EdDSA.PublicKey(pem: text) { return .publicKey(key) }
        if let key = try? EdDSA.PrivateKey(pem: text) { return .privateKey(key) }
        throw KeyFault("its PEM is not an Ed25519 key")
    }

    /// Text is base64url or base64; anything else is the secret itself.
    private static func secret(in bytes: [UInt8]) throws(KeyFault) -> [UInt8] {
        let isText = bytes.allSatisfy { (0x20...0x7e).contains($0) || (0x09...0x0d).contains($0) }
        guard isText else { return bytes }
        let symbols = bytes.filter { $0 > 0x20 && $0 != UInt8(ascii: "=") }.map { (byte: UInt8) -> UInt8 in
            byte == UInt8(ascii: "+") ? UInt8(ascii: "-") : byte == UInt8(ascii: "/") ? UInt8(ascii: "_") : byte
        }
        guard let secret = Base64URL.decode(String(decoding: symbols, as: UTF8.self)) else {
            throw KeyFault("it is neither PEM nor base64url")
        }
        return secret
    }
}

/// What is wrong with a key file, as a phrase.
struct KeyFault: Error, Hashable {
    let phrase: String

    init(_ phrase: String) {
        self.phrase = phrase
    }
}

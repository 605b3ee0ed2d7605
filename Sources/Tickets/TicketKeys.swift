import Blobs
import Files
import JWTKit

/// The keys that are accepted at one time: several, so that a new one can be added before the old one is removed.
package struct TicketKeys: Sendable {
    private let keys: [String: TicketKey]

    /// No key at all, with which no ticket is good.
    package static let none = TicketKeys(keys: [:])

    /// The names of the keys, in order.
    package var names: [String] { keys.keys.sorted() }

    subscript(name: String) -> TicketKey? { keys[name] }

    /// Reads every key in `paths`, each a key file or a folder of key files. Names that begin with a dot are skipped in
    /// a folder.
    package static func load(_ paths: [String]) async throws(TicketKeyError) -> TicketKeys {
        let files: [KeyFile]
        do { files = try KeyFile.all(in: paths) } catch { throw .file(error) }
        var keys: [String: TicketKey] = [:]
        for file in files {
            let key = try await key(in: file)
            guard keys[key.name] == nil else { throw .sameName(key.name) }
            keys[key.name] = key
        }
        if keys.isEmpty { throw .none(paths: paths) }
        return TicketKeys(keys: keys)
    }

    private static func key(in file: KeyFile) async throws(TicketKeyError) -> TicketKey {
        let name: String
        do throws(KeyFault) { name = try file.name() } catch { throw .key(path: file.path, why: error.phrase) }
        let material = try file.material()
        if case .privateKey = material {
            throw .key(
                path: file.path,
                why: "it is a private key; the server needs only the public one: openssl pkey -in … -pubout")
        }
        return await TicketKey(name: name, material)
    }
}

/// One key that tickets may be signed with: its name, and the only algorithm it is used with.
struct TicketKey: Sendable {
    /// The supported algorithms of RFC 7518 §3.1 and RFC 8037 §3.1.
    enum SignatureAlgorithm: String, Sendable {
        case edDSA = "EdDSA"
        case hs256 = "HS256"
    }

    /// The `kid` in tickets.
    let name: String
    let algorithm: SignatureAlgorithm
    /// Only this key: in a collection of several, JWTKit falls back to another one for an unknown name.
    private let collection: JWTKeyCollection

    init(name: String, _ material: KeyMaterial) async {
        self.name = name
        collection = JWTKeyCollection()
        switch material {
        case .publicKey(let key):
            algorithm = .edDSA
            await collection.add(eddsa: key)
        case .privateKey(let key):
            algorithm = .edDSA
            await collection.add(eddsa: key)
        case .secret(let secret):
            algorithm = .hs256
            await collection.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
        }
    }

    /// The claims of a token that this key has signed.
    func claims(of token: String) async throws(TicketRefusal) -> TicketClaims {
        do {
            return try await collection.verify(token, as: TicketClaims.self)
        } catch let error as JWTError where error.errorType == .malformedToken {
            // The form of the token was checked before, and JWTKit reads the claims after the signature.
            throw .badClaim("set")
        } catch {
            throw .wrongSignature
        }
    }

    /// A token with these claims, signed with this key, which must be a private one or a secret.
    func sign(_ claims: TicketClaims) async throws -> String {
        try await collection.sign(claims, header: ["kid": .string(name), "alg": .string(algorithm.rawValue)])
    }
}

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

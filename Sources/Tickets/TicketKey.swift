import JWTKit

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

import Blobs
import FoundationEssentials
import JWTKit

/// The claims of a token as in its JSON: those of RFC 7519 §4.1 that matter here, and five of our own.
struct TicketClaims: JWTPayload, Equatable {
    /// `aud`: one audience or several.
    var audiences: [String]?
    /// `exp`, in seconds since 1970; RFC 7519 allows fractions.
    var expires: Double?
    /// `nbf`, likewise.
    var notBefore: Double?
    var subject: String?
    var sha256: String?
    var maxSize: Int64?
    var maxLifetime: Int64?
    var recipients: Int?
    var accept: String?

    private enum CodingKeys: String, CodingKey {
        case audiences = "aud"
        case expires = "exp"
        case notBefore = "nbf"
        case subject = "sub"
        case sha256, recipients, accept
        case maxSize = "max_size"
        case maxLifetime = "max_lifetime"
    }

    init(
        audiences: [String]? = nil, expires: Double? = nil, notBefore: Double? = nil, subject: String? = nil,
        sha256: String? = nil, maxSize: Int64? = nil, maxLifetime: Int64? = nil, recipients: Int? = nil,
        accept: String? = nil
    ) {
        self.audiences = audiences
        self.expires = expires
        self.notBefore = notBefore
        self.subject = subject
        self.sha256 = sha256
        self.maxSize = maxSize
        self.maxLifetime = maxLifetime
        self.recipients = recipients
        self.accept = accept
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let one = try? container.decode(String.self, forKey: .audiences) {
            audiences = [one]
        } else {
            audiences = try container.decodeIfPresent([String].self, forKey: .audiences)
        }
        expires = try container.decodeIfPresent(Double.self, forKey: .expires)
        notBefore = try container.decodeIfPresent(Double.self, forKey: .notBefore)
        subject = try container.decodeIfPresent(String.self, forKey: .subject)
        sha256 = try container.decodeIfPresent(String.self, forKey: .sha256)
        maxSize = try container.decodeIfPresent(Int64.self, forKey: .maxSize)
        maxLifetime = try container.decodeIfPresent(Int64.self, forKey: .maxLifetime)
        recipients = try container.decodeIfPresent(Int.self, forKey: .recipients)
        accept = try container.decodeIfPresent(String.self, forKey: .accept)
    }

    /// Nothing is checked here: that takes the audience and the time, which `TicketRule` has.
    func verify(using algorithm: some JWTAlgorithm) throws {}
}

/// What is read of a token before its signature is checked: the key it names and the algorithm it claims.
struct TokenHeader: Equatable {
    /// The longest token, in bytes.
    static let limitBytes = 8192

    /// `alg`.
    let algorithm: String
    /// `kid`.
    let keyName: String

    /// Reads the first of three parts. The form of all three is checked, so that every token has exactly one spelling.
    init(token: String) throws(TicketRefusal) {
        let parts =
            token.utf8.count <= Self.limitBytes ? token.split(separator: ".", omittingEmptySubsequences: false) : []
        guard parts.count == 3, let header = Base64URL.decode(parts[0]),
            parts.dropFirst().allSatisfy({ Base64URL.decode($0) != nil }),
            let fields = try? JSONDecoder().decode(Fields.self, from: Data(header))
        else { throw .malformed }
        if fields.hasCriticalExtension { throw .criticalExtension }
        guard let keyName = fields.keyName else { throw .namesNoKey }
        algorithm = fields.algorithm
        self.keyName = keyName
    }

    /// The members that matter (RFC 7515 §4.1); all others are ignored.
    private struct Fields: Decodable {
        let algorithm: String
        let keyName: String?
        let hasCriticalExtension: Bool

        private enum CodingKeys: String, CodingKey {
            case alg, kid, crit
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            algorithm = try container.decode(String.self, forKey: .alg)
            keyName = try container.decodeIfPresent(String.self, forKey: .kid)
            hasCriticalExtension = container.contains(.crit)
        }
    }
}

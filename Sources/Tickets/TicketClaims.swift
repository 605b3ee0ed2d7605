import JWTKit

/// The claims of a token as in its JSON: those of RFC 7519 §4.1 that matter here, and four of our own.
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

    private enum CodingKeys: String, CodingKey {
        case audiences = "aud"
        case expires = "exp"
        case notBefore = "nbf"
        case subject = "sub"
        case sha256, recipients
        case maxSize = "max_size"
        case maxLifetime = "max_lifetime"
    }

    init(
        audiences: [String]? = nil, expires: Double? = nil, notBefore: Double? = nil, subject: String? = nil,
        sha256: String? = nil, maxSize: Int64? = nil, maxLifetime: Int64? = nil, recipients: Int? = nil
    ) {
        self.audiences = audiences
        self.expires = expires
        self.notBefore = notBefore
        self.subject = subject
        self.sha256 = sha256
        self.maxSize = maxSize
        self.maxLifetime = maxLifetime
        self.recipients = recipients
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
    }

    /// Nothing is checked here: that takes the audience and the time, which `TicketRule` has.
    func verify(using algorithm: some JWTAlgorithm) throws {}
}

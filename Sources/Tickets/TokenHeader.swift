import Blobs
import FoundationEssentials

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

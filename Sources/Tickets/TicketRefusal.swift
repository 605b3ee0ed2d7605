/// Why a ticket is not taken, as its holder is told; never a part of the ticket itself.
package enum TicketRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not three base64url parts with a JSON header, or longer than any ticket.
    case malformed
    /// No `kid` says which key it was signed with.
    case namesNoKey
    case unknownKey
    /// `alg` is not the algorithm of the key that it names.
    case wrongAlgorithm
    /// The header wants something understood that is not (RFC 7515 §4.1.11).
    case criticalExtension
    case wrongSignature
    case wrongAudience
    case expired
    case notYetValid
    /// `exp` is further ahead than a ticket may last.
    case lastsTooLong
    /// A claim is missing or cannot be what it is.
    case badClaim(String)

    package var description: String {
        switch self {
        case .malformed: "it is no signed JSON Web Token"
        case .namesNoKey: "it does not name its key (kid)"
        case .unknownKey: "no key of that name (kid) is known here"
        case .wrongAlgorithm: "its algorithm (alg) is not that of its key"
        case .criticalExtension: "it has extensions (crit) that are not understood here"
        case .wrongSignature: "its signature is wrong"
        case .wrongAudience: "it is for another audience (aud)"
        case .expired: "it has expired (exp)"
        case .notYetValid: "it is not valid yet (nbf)"
        case .lastsTooLong: "it expires (exp) more than 24 hours ahead"
        case .badClaim(let name): "its claim \(name) is missing or malformed"
        }
    }
}

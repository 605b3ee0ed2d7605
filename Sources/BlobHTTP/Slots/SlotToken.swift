import Blobs
import FoundationEssentials
import Tickets

/// A slot as a JSON Web Token (RFC 7519), signed with HS256 and nothing else. Its claims:
///
///     exp                 required; at most a day ahead, with a minute of leeway
///     slot, filename      together the path: slot ‖ "/" ‖ filename
///     filesize            bytes of the body
///     expires             when the lease shall end; absent for whenever the operator says
///     sub                 whose upload it is: the SHA-1 of an address in hexadecimal, or the address
///
/// Times are seconds since 1970. All other claims are passed over.
struct SlotToken {
    /// The longest token, in bytes.
    static let limitBytes = 8192
    /// How far the clocks of both servers may differ, and how far ahead a token may expire.
    private static let leewaySeconds = 60.0
    private static let longestSeconds = 86_400.0

    private let claims: Claims

    /// Reads a token, if one of `secrets` has signed it.
    init(_ token: String, _ secrets: [SlotSecret]) throws(SlotRefusal) {
        guard token.utf8.count <= Self.limitBytes else { throw .unsigned }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header: Header = Self.decode(parts[0]), header.isPlainHS256,
            let signature = Base64URL.decode(parts[2])
        else { throw .unsigned }
        let message = Array("\(parts[0]).\(parts[1])".utf8)
        let isSigned = secrets.reduce(false) { $1.signs(message, as: signature) || $0 }
        guard isSigned else { throw .unsigned }
        guard let claims: Claims = Self.decode(parts[1]) else { throw .wrong }
        self.claims = claims
    }

    /// What it permits for a body of `size` bytes at `path`.
    func grant(for path: SlotPath, size: Int64, now: Timestamp) throws(SlotRefusal) -> SlotGrant {
        // Doubles hold every second of the next hundred million years, and no time is too large for one.
        let present = Double(now.seconds)
        guard let expires = claims.exp, expires <= present + Self.longestSeconds + Self.leewaySeconds else {
            throw .wrong
        }
        guard expires > present - Self.leewaySeconds else { throw .expired }
        guard let slot = claims.slot, let file = claims.filename, path.text.utf8.elementsEqual("\(slot)/\(file)".utf8),
            let announced = claims.filesize, announced >= 0
        else { throw .wrong }
        if size > announced { throw .tooLarge(limitBytes: announced) }
        if size < announced { throw .tooSmall(bytes: announced) }
        return SlotGrant(user: claims.sub.flatMap(Self.user), end: try end(now: now))
    }

    /// Nobody lives to see a later one.
    private static let latest = 253_402_300_799.0

    private func end(now: Timestamp) throws(SlotRefusal) -> Timestamp? {
        guard let expires = claims.expires else { return nil }
        guard expires > Double(now.seconds) else { throw .expired }
        return Timestamp(seconds: Int64(min(expires, Self.latest)))
    }

    private static func user(_ subject: String) -> String? {
        ChatUser.name(digest: subject) ?? ChatUser.name(address: subject)
    }

    private static func decode<Value: Decodable>(_ part: Substring) -> Value? {
        Base64URL.decode(part).flatMap { try? JSONDecoder().decode(Value.self, from: Data($0)) }
    }

    private struct Claims: Decodable {
        let exp: Double?
        let slot: String?
        let filename: String?
        let filesize: Int64?
        let expires: Double?
        let sub: String?
    }

    private struct Header: Decodable {
        let isPlainHS256: Bool

        private enum CodingKeys: String, CodingKey { case alg, crit }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            isPlainHS256 = try container.decode(String.self, forKey: .alg) == "HS256" && !container.contains(.crit)
        }
    }
}

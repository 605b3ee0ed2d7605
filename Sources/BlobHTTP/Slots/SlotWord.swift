package import Blobs
package import HTTPTypes
package import Tickets

/// What admits one upload to a slot: the chat server's signature. It comes in one of three forms, and only the first
/// that is there is looked at, so that a bad one is refused beside a good one. A MAC is HMAC-SHA-256 in 64 lower-case
/// hexadecimal digits, `path` the decoded path, `n` the length of the body in decimal.
///
///     Authorization: Bearer       a token: see `SlotToken`
///     ?v2=  or  ?token=           MAC of path ‖ 00 ‖ n ‖ 00 ‖ type
///     ?v=                         MAC of path ‖ 20 ‖ n
package enum SlotWord: Hashable, Sendable {
    case token(String)
    case signedWithType(String)
    case signed(String)

    /// The word of a request; nil where it has none.
    package init?(_ fields: HTTPFields, target: String) {
        if let token = fields.bearerToken {
            self = .token(token)
        } else if let code = Route.query("v2", of: target) ?? Route.query("token", of: target) {
            self = .signedWithType(String(code))
        } else if let code = Route.query("v", of: target) {
            self = .signed(String(code))
        } else {
            return nil
        }
    }

    /// What the word permits for a body of `size` bytes and this Content-Type, if one of `secrets` has signed it.
    package func grant(
        for path: SlotPath, size: Int64, contentType: String?, secrets: [SlotSecret], now: Timestamp
    ) throws(SlotRefusal) -> SlotGrant {
        let isSigned: Bool
        switch self {
        case .token(let token): return try SlotToken(token, secrets).grant(for: path, size: size, now: now)
        case .signedWithType(let code):
            // Some clients ask with one type and send another, or none.
            let types = [contentType, "application/octet-stream"].compactMap { $0 }
            isSigned = (types + SlotType.usualTypes(ofPath: path.text)).contains { type in
                Self.isSigned("\(path.text)\0\(size)\0\(type)", code, secrets)
            }
        case .signed(let code): isSigned = Self.isSigned("\(path.text) \(size)", code, secrets)
        }
        guard isSigned else { throw .unsigned }
        // ejabberd puts the digest of the sender's address first.
        let first = path.text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1).first
        return SlotGrant(user: first.flatMap { ChatUser.name(digest: Substring($0)) }, end: nil)
    }

    /// All secrets are tried.
    private static func isSigned(_ message: String, _ code: String, _ secrets: [SlotSecret]) -> Bool {
        guard let code = Hexadecimal.decode(code) else { return false }
        return secrets.reduce(false) { $1.signs(Array(message.utf8), as: code) || $0 }
    }
}

/// What a good word says.
package struct SlotGrant: Hashable, Sendable {
    /// The name of the person who uploads (`ChatUser`); nil where nobody is named.
    package var user: String?
    /// When the lease shall end; nil for whenever the operator says.
    package var end: Timestamp?

    package init(user: String?, end: Timestamp?) {
        self.user = user
        self.end = end
    }
}

/// Why a word is refused.
package enum SlotRefusal: Error, Hashable, Sendable {
    /// No secret of the door has signed it; of a MAC, which names nothing that it covers: not for this.
    case unsigned
    /// It is signed, and not for this.
    case wrong
    case expired
    /// The slot is for fewer bytes, or for more.
    case tooLarge(limitBytes: Int64)
    case tooSmall(bytes: Int64)
}

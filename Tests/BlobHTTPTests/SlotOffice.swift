import Blobs
import Store
import TestSupport
import Tickets

/// A chat server as far as the doors know it: one secret, and words good and bad, signed without the code under test.
struct SlotOffice {
    static let door = "chat"
    /// The digest of a person's address, as ejabberd puts it first in a path.
    static let user = "4ef7c2fb4f5d2d4e3f4a6c5a3e0f1d2c3b4a5968"

    let secret = "a secret of thirty-two bytes or more"
    let doors: SlotDoors

    init(former: String? = nil) {
        let secrets = [former, secret].compactMap { $0 }.compactMap { SlotSecret(bytes: $0.utf8) }
        doors = SlotDoors([Self.door: secrets])
    }

    /// The target of a slot, whose path is escaped already.
    static func target(_ path: String, _ query: String = "") -> String { "/slots/\(door)/\(path)\(query)" }

    func v(_ path: String, _ size: Int) -> String { "?v=\(code("\(path) \(size)"))" }

    func v2(_ path: String, _ size: Int, _ type: String, name: String = "v2") -> String {
        "?\(name)=\(code("\(path)\0\(size)\0\(type)"))"
    }

    func code(_ message: String, _ secret: String? = nil) -> String {
        ChatServerSecret(secret ?? self.secret).code(message)
    }

    /// The field that shows a token with these claims, as JSON.
    func bearer(
        _ claims: String, header: String = #"{"alg":"HS256","typ":"JWT"}"#, secret: String? = nil
    ) -> (String, String) {
        let token = ChatServerSecret(secret ?? self.secret).token(header: header, claims: claims)
        return ("Authorization", "Bearer \(token)")
    }

    /// Claims of a good token; members given later win.
    func claims(
        slot: String = "s1", file: String = "a.jpg", size: Int, now: Timestamp, expires: Int64? = 3600,
        end: Int64? = nil, sub: String? = nil
    ) -> String {
        var members = [#""slot":"\#(slot)""#, #""filename":"\#(file)""#, #""filesize":\#(size)"#]
        if let expires { members.append(#""exp":\#(now.seconds + expires)"#) }
        if let end { members.append(#""expires":\#(now.seconds + end)"#) }
        if let sub { members.append(#""sub":"\#(sub)""#) }
        return "{\(members.joined(separator: ","))}"
    }
}

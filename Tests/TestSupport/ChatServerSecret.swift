import Blobs
import Crypto

/// Signs slots as chat servers do, without the code under test.
package struct ChatServerSecret: Sendable {
    package let text: String

    package init(_ text: String = "a secret of thirty-two bytes or more") {
        self.text = text
    }

    /// HMAC-SHA-256 of a message in hexadecimal.
    package func code(_ message: String) -> String { Hexadecimal.encode(bytes(message)) }

    /// The query with which ejabberd and Prosody give a slot.
    package func query(_ path: String, _ size: Int) -> String { "?v=\(code("\(path) \(size)"))" }

    /// A JSON Web Token with these texts of header and claims.
    package func token(header: String = #"{"alg":"HS256","typ":"JWT"}"#, claims: String) -> String {
        let text = "\(Base64URL.encode(header.utf8)).\(Base64URL.encode(claims.utf8))"
        return "\(text).\(Base64URL.encode(bytes(text)))"
    }

    private func bytes(_ message: String) -> [UInt8] {
        let key = SymmetricKey(data: Array(text.utf8))
        return Array(HMAC<SHA256>.authenticationCode(for: Array(message.utf8), using: key))
    }

    /// SHA-1 in hexadecimal, as ejabberd names people.
    package static func digest(of address: String) -> String {
        Hexadecimal.encode(Array(Insecure.SHA1.hash(data: Array(address.utf8))))
    }
}

import Blobs
import Crypto

/// The name of a person of an XMPP server: `xmpp:` and the SHA-1 of the bare address in hexadecimal. Slots name people
/// so, and so may tickets, which puts both under one quota. It is a name, not a secret: addresses can be guessed.
package enum ChatUser {
    /// Hexadecimal digits of the digest.
    private static let digits = 40

    /// The name of whoever has this address; what follows a slash names a device, and case makes no difference. Nil for
    /// what is no address.
    package static func name(address: some StringProtocol) -> String? {
        let bare = address.prefix { $0 != "/" }.lowercased()
        let parts = bare.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, bare.utf8.count <= 2047 else { return nil }
        return "xmpp:" + Hexadecimal.encode(Array(Insecure.SHA1.hash(data: Array(bare.utf8))))
    }

    /// The name with this digest; nil for anything but 40 lower-case hexadecimal digits.
    package static func name(digest: some StringProtocol) -> String? {
        guard digest.utf8.count == digits, Hexadecimal.decode(digest) != nil else { return nil }
        return "xmpp:\(digest)"
    }
}

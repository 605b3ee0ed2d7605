package import Blobs
import Synchronization

/// Tells good tickets from bad ones, with keys that can be exchanged while it works.
package final class TicketVerifier: Sendable {
    private let keys: Mutex<TicketKeys>
    private let rule: TicketRule

    /// Takes tickets for `audience` that one of `keys` signed.
    package init(keys: TicketKeys, audience: String) {
        self.keys = Mutex(keys)
        rule = TicketRule(audience: audience)
    }

    /// Judges tickets by `keys` from now on.
    package func replace(_ keys: TicketKeys) {
        self.keys.withLock { $0 = keys }
    }

    /// The ticket that `token` is, or why it is none at `now`.
    ///
    /// The key is chosen by the name in the token, and the token's algorithm compared with the key's, before anything
    /// is verified: no token has a say in how it is judged (RFC 8725 §3.1).
    package func ticket(_ token: String, now: Timestamp) async throws(TicketRefusal) -> Ticket {
        let header = try TokenHeader(token: token)
        guard let key = keys.withLock({ $0[header.keyName] }) else { throw .unknownKey }
        guard header.algorithm == key.algorithm.rawValue else { throw .wrongAlgorithm }
        return try rule.judge(try await key.claims(of: token), now: now)
    }
}

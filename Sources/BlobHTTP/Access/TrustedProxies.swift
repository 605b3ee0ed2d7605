package import Blobs
package import HTTPTypes

/// Which proxies are trusted to say whom a request came from, and in which field they say so.
package struct TrustedProxies: Sendable {
    /// Where the proxies are; empty for none.
    package var ranges: [IPPrefix] = []
    /// The one field that they set: `Forwarded` (RFC 7239), or one that lists addresses as X-Forwarded-For does.
    package var field = HTTPField.Name.xForwardedFor

    package init() {}

    /// Where a request really came from. Each proxy appends the address of its own client, so that from the right the
    /// first address that is not one of our proxies is the last one they saw; anything further left may be made up.
    /// `peer` itself where something on the way there is not an address.
    /// `value` gives the value of a field of the request.
    package func client(peer: ClientAddress, value: (HTTPField.Name) -> String?) -> ClientAddress {
        guard isTrusted(peer), let text = value(field) else { return peer }
        var furthest = peer
        for entry in text.split(separator: ",", omittingEmptySubsequences: false).reversed() {
            guard let address = field == .forwarded ? Self.forwarded(entry) : Self.address(entry) else { return peer }
            furthest = address
            if !isTrusted(address) { break }
        }
        return furthest
    }

    private func isTrusted(_ address: ClientAddress) -> Bool { ranges.contains { address.isIn($0) } }

    /// The `for` of one element of Forwarded (RFC 7239 §4): a token, or a quoted string without escapes.
    private static func forwarded(_ element: Substring) -> ClientAddress? {
        for pair in element.split(separator: ";") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, trimmed(parts[0]).lowercased() == "for" else { continue }
            var node = trimmed(parts[1])
            if node.hasPrefix("\"") {
                guard node.count >= 2, node.hasSuffix("\"") else { return nil }
                node = node.dropFirst().dropLast()
            }
            return address(node)
        }
        return nil
    }

    /// An address, perhaps with a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
    /// `[2001:db8::1]:80`.
    private static func address(_ entry: Substring) -> ClientAddress? {
        let text = trimmed(entry)
        if let address = ClientAddress(text: text) { return address }
        guard let authority = Authority(String(text)) else { return nil }
        return ClientAddress(text: authority.host)
    }

    private static func trimmed(_ text: Substring) -> Substring { Substring(text.utf8.trimmingBlanks()) }
}

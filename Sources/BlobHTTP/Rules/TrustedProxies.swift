package import HTTPTypes

/// Which proxies are believed when they say whom a request came from, and in which field they say it.
package struct TrustedProxies: Sendable {
    /// Where the proxies are; empty for none.
    package var ranges: [AddressRange] = []
    /// The one field that they set: `Forwarded` (RFC 7239), or one that lists addresses as X-Forwarded-For does.
    package var field = HTTPField.Name.xForwardedFor

    package init() {}

    /// Where a request really came from. Each proxy adds at the right whom it was asked by, so that from the right
    /// the first address that is no proxy of ours is the one that ours have seen; whatever is further left the client
    /// may have made up. Anything that is no address on the way there: `peer` itself.
    /// `told` gives the value of a field of the request.
    package func client(peer: ClientAddress, told: (HTTPField.Name) -> String?) -> ClientAddress {
        guard isTrusted(peer), let text = told(field) else { return peer }
        var furthest = peer
        for entry in text.split(separator: ",", omittingEmptySubsequences: false).reversed() {
            guard let address = field == .forwarded ? Self.forwarded(entry) : Self.address(entry) else { return peer }
            furthest = address
            if !isTrusted(address) { break }
        }
        return furthest
    }

    private func isTrusted(_ address: ClientAddress) -> Bool { ranges.contains { $0.contains(address) } }

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

    /// An address, perhaps with a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
    private static func address(_ entry: Substring) -> ClientAddress? {
        let text = trimmed(entry)
        if let address = ClientAddress(text: text) { return address }
        guard let authority = Authority(String(text)) else { return nil }
        return ClientAddress(text: authority.host)
    }

    private static func trimmed(_ text: Substring) -> Substring { Substring(text.utf8.trimmingBlanks()) }
}

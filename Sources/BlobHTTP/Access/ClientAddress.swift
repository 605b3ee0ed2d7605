package import Blobs
import Glibc
package import HTTPTypes
package import NIOCore

/// Where a request came from: an IP address, or a client that has none. ::ffff:a.b.c.d counts as the IPv4 address that
/// it stands for.
package struct ClientAddress: Hashable, Sendable {
    private let address: IPAddress?

    package init(_ address: IPAddress?) {
        self.address = address?.unmapped
    }

    /// From the bytes of an IPv4 or IPv6 address; without an address for any other count.
    package init(bytes: some Collection<UInt8>) {
        self.init(IPAddress(bytes: bytes))
    }

    /// An IPv4 address with dots or an IPv6 address without brackets and zone; nil for anything else.
    package init?(text: some StringProtocol) {
        guard let address = IPAddress(text) else { return nil }
        self.init(address)
    }

    /// From the bytes of a socket's address, `sockaddr_in` or `sockaddr_in6`, which begin with the family.
    init(socketAddress bytes: [UInt8]) {
        switch (Int32(bytes.first ?? 0), bytes.count) {
        case (AF_INET, 8...): self.init(bytes: bytes[4..<8])
        case (AF_INET6, 24...): self.init(bytes: bytes[8..<24])
        default: self.init(nil as IPAddress?)
        }
    }

    /// From the address of a socket: of `sockaddr_in` the bytes 4…7 are the address, of `sockaddr_in6` 8…23.
    package init(_ socket: SocketAddress?) {
        let place: Range<Int>?
        switch socket {
        case .v4: place = 4..<8
        case .v6: place = 8..<24
        case .unixDomainSocket, nil: place = nil
        }
        guard let socket, let place else {
            self.init(nil as IPAddress?)
            return
        }
        // Safe: the structure is valid during the call, and the range is cut to its size.
        let address = unsafe socket.withSockAddr { start, count in
            unsafe IPAddress(bytes: UnsafeRawBufferPointer(start: start, count: count)[place.clamped(to: 0..<count)])
        }
        self.init(address)
    }

    /// As fields that name clients write it; nil for one without an address.
    package var text: String? { address.map { "\($0)" } }

    /// Whether it is this machine's own, over the network or not.
    var isLocal: Bool { address?.isLoopback ?? true }

    /// Whether it is one of the addresses of `prefix`.
    func isIn(_ prefix: IPPrefix) -> Bool { address.map { prefix.contains($0) } ?? false }

    /// Whom rates and anonymous leases count against: an IPv4 address, or the /64 that one IPv6 customer commonly has.
    var customer: ClientAddress { ClientAddress(address?.network(bits: 64)) }

    /// The customer as the name of whoever is charged.
    package var subject: String { "address:\(prefix(bitsOfIPv4: 32, bitsOfIPv6: 64))" }

    /// For logs: /24 or /48.
    package var abbreviated: String { prefix(bitsOfIPv4: 24, bitsOfIPv6: 48) }

    private func prefix(bitsOfIPv4: Int, bitsOfIPv6: Int) -> String {
        guard let address else { return "local" }
        let bytes = address.network(bits: address.isIPv6 ? bitsOfIPv6 : bitsOfIPv4).bytes
        if !address.isIPv6 {
            return bytes.map { String($0) }.joined(separator: ".") + (bitsOfIPv4 == 32 ? "" : "/\(bitsOfIPv4)")
        }
        let groups = stride(from: 0, to: bitsOfIPv6 / 8, by: 2).map { index in
            String(UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1]), radix: 16)
        }
        return "\(groups.joined(separator: ":"))::/\(bitsOfIPv6)"
    }
}

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

    /// Whom a request counts against: the client that was named, or else who sent it; nil where that is a proxy of ours,
    /// which speaks for everybody.
    package func countedClient(peer: ClientAddress, value: (HTTPField.Name) -> String?) -> ClientAddress? {
        guard isTrusted(peer) else { return peer }
        let client = client(peer: peer, value: value)
        return client == peer ? nil : client
    }

    /// Whether others may be behind this end of a connection: a program on this machine, or a proxy of ours.
    func mayBeMany(at peer: ClientAddress) -> Bool { peer.isLocal || isTrusted(peer) }

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

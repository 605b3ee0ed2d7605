package import Blobs
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

/// An internet address, and whether a stranger may send us there.
package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes in network order.
    package let bytes: [UInt8]

    /// An address from its 4 or 16 bytes; nil for any other count.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    package var isIPv6: Bool { bytes.count == 16 }

    /// 127/8, ::1, or 127/8 behind ::ffff:0:0/96.
    package var isLoopback: Bool {
        if let inner = embedded { return inner.isLoopback }
        return isIPv6 ? bytes == Array(repeating: 0, count: 15) + [1] : bytes[0] == 127
    }

    /// Anybody's: not private, link-local, loopback, shared, reserved, multicast or for documentation,
    /// by the IANA special-purpose registries (RFC 6890, as of 2025). An IPv4 address inside an IPv6 one
    /// (mapped, NAT64, 6to4) is judged as itself.
    package var isPublic: Bool {
        if let inner = embedded { return inner.isPublic }
        if isIPv6 {
            return Self.globalUnicast.contains(self) && !Self.reservedIPv6.contains { $0.contains(self) }
        }
        return !Self.reservedIPv4.contains { $0.contains(self) }
    }

    /// The IPv4 address that an IPv6 address leads to.
    private var embedded: NetworkAddress? {
        guard isIPv6 else { return nil }
        if Self.mapped.contains(self) || Self.nat64.contains(self) {
            return NetworkAddress(bytes: Array(bytes[12...]))
        }
        return Self.sixToFour.contains(self) ? NetworkAddress(bytes: Array(bytes[2..<6])) : nil
    }

    private static let mapped = NetworkPrefix(literal: "::ffff:0:0", 96)
    private static let nat64 = NetworkPrefix(literal: "64:ff9b::", 96)
    private static let sixToFour = NetworkPrefix(literal: "2002::", 16)
    private static let globalUnicast = NetworkPrefix(literal: "2000::", 3)

    private static let reservedIPv6 = [
        NetworkPrefix(literal: "2001::", 23),  // protocol assignments, Teredo
        NetworkPrefix(literal: "2001:db8::", 32),  // documentation
        NetworkPrefix(literal: "3fff::", 20),  // documentation
    ]

    private static let reservedIPv4 = [
        NetworkPrefix(literal: "0.0.0.0", 8),  // this host
        NetworkPrefix(literal: "10.0.0.0", 8),  // private
        NetworkPrefix(literal: "100.64.0.0", 10),  // carrier-grade NAT
        NetworkPrefix(literal: "127.0.0.0", 8),  // loopback
        NetworkPrefix(literal: "169.254.0.0", 16),  // link-local, cloud metadata
        NetworkPrefix(literal: "172.16.0.0", 12),  // private
        NetworkPrefix(literal: "192.0.0.0", 24),  // protocol assignments
        NetworkPrefix(literal: "192.0.2.0", 24),  // documentation
        NetworkPrefix(literal: "192.88.99.0", 24),  // 6to4 relays
        NetworkPrefix(literal: "192.168.0.0", 16),  // private
        NetworkPrefix(literal: "198.18.0.0", 15),  // benchmarks
        NetworkPrefix(literal: "198.51.100.0", 24),  // documentation
        NetworkPrefix(literal: "203.0.113.0", 24),  // documentation
        NetworkPrefix(literal: "224.0.0.0", 4),  // multicast
        NetworkPrefix(literal: "240.0.0.0", 4),  // reserved, broadcast
    ]
}

/// The addresses that agree in their first `length` bits.
package struct NetworkPrefix: Sendable {
    private let base: NetworkAddress
    private let length: Int

    /// A prefix; nil where `length` has no room in the address.
    package init?(_ base: NetworkAddress, _ length: Int) {
        guard (0...base.bytes.count * 8).contains(length) else { return nil }
        self.base = base
        self.length = length
    }

    fileprivate init(literal: String, _ length: Int) {
        guard let base = NetworkAddress(literal), let prefix = NetworkPrefix(base, length) else {
            preconditionFailure("a prefix in the program's own table is well formed")
        }
        self = prefix
    }

    package func contains(_ address: NetworkAddress) -> Bool {
        guard address.bytes.count == base.bytes.count else { return false }
        let whole = length / 8
        guard address.bytes[..<whole] == base.bytes[..<whole] else { return false }
        let rest = length % 8
        return rest == 0 || (address.bytes[whole] ^ base.bytes[whole]) >> (8 - rest) == 0
    }
}

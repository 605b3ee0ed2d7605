/// An IP address, and whether a message may lead to it.
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

    /// A public address: not private, link-local, loopback, shared, reserved, multicast or for documentation,
    /// by the IANA special-purpose registries (RFC 6890, as of 2025). An IPv4 address inside an IPv6 one
    /// (mapped, NAT64, 6to4) is judged as itself.
    package var isPublic: Bool {
        if let inner = embedded { return inner.isPublic }
        if isIPv6 {
            return Self.globalUnicast.contains(self) && !Self.reservedIPv6.contains { $0.contains(self) }
        }
        return !Self.reservedIPv4.contains { $0.contains(self) }
    }

    /// The IPv4 address embedded in an IPv6 address.
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

/// The addresses that share their first `length` bits.
package struct NetworkPrefix: Sendable {
    private let base: NetworkAddress
    private let length: Int

    /// A prefix; nil if `length` exceeds the address.
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

extension NetworkAddress {
    /// Parses an address: four decimal numbers without leading zeros, or RFC 4291 §2.2 without a zone.
    package init?(_ text: some StringProtocol) {
        let bytes = text.contains(":") ? Self.ipv6(Substring(text)) : Self.ipv4(Substring(text))
        guard let bytes else { return nil }
        self.init(bytes: bytes)
    }

    package var description: String {
        guard isIPv6 else { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        let run = Self.longestZeroRun(groups)
        let spell = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard run.count > 1 else { return spell(groups[...]) }
        return "\(spell(groups[..<run.lowerBound]))::\(spell(groups[run.upperBound...]))"
    }

    private static func ipv4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.count == 1 || part.first != "0", let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func ipv6(_ text: Substring) -> [UInt8]? {
        guard let gap = text.firstRange(of: "::") else {
            guard let bytes = groups(text), bytes.count == 16 else { return nil }
            return bytes
        }
        guard let head = groups(text[..<gap.lowerBound]), let tail = groups(text[gap.upperBound...]),
            head.count + tail.count <= 14
        else { return nil }
        return head + Array(repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Groups of hexadecimal digits; the last may be an IPv4 address.
    private static func groups(_ text: Substring) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(".") {
                guard let inner = ipv4(part) else { return nil }
                bytes += inner
            } else {
                guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
                    let group = UInt16(part, radix: 16)
                else { return nil }
                bytes += [UInt8(group >> 8), UInt8(group & 0xff)]
            }
        }
        return bytes.count <= 16 ? bytes : nil
    }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start > longest.count { longest = start..<index }
            start = index + 1
        }
        return longest
    }
}

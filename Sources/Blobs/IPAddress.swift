/// An IPv4 or IPv6 address. One is made for nearly every request, so it holds no memory of its own.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    private enum Family: Hashable {
        case v4(UInt32)
        /// The first and the second half.
        case v6(UInt64, UInt64)
    }

    private let family: Family

    private init(_ family: Family) { self.family = family }

    /// An address from its 4 or 16 bytes in network order; nil for any other count.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: family = .v4(UInt32(truncatingIfNeeded: Self.number(bytes)))
        case 16: family = .v6(Self.number(bytes.prefix(8)), Self.number(bytes.dropFirst(8)))
        default: return nil
        }
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    /// The 4 or 16 bytes in network order.
    package var bytes: [UInt8] {
        switch family {
        case .v4(let address): stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: address >> $0) }
        case .v6(let high, let low):
            [high, low].flatMap { half in
                stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> $0) }
            }
        }
    }

    package var isIPv6: Bool { bitCount == 128 }

    /// 32 or 128.
    package var bitCount: Int { if case .v4 = family { 32 } else { 128 } }

    /// The network of the first `bits` bits that this address lies in: all other bits are zero.
    package func network(bits: Int) -> IPAddress {
        switch family {
        case .v4(let address): IPAddress(.v4(address & Self.mask(bits)))
        case .v6(let high, let low): IPAddress(.v6(high & Self.mask(bits), low & Self.mask(bits - 64)))
        }
    }

    /// As many ones as `bits` says, from the left; all where there are more, none where it is negative.
    private static func mask<Word: FixedWidthInteger>(_ bits: Int) -> Word {
        ~Word.zero << (Word.bitWidth - min(max(bits, 0), Word.bitWidth))
    }

    // MARK: IPv4 inside IPv6

    /// The IPv4 address that ::ffff:0:0/96 stands for; every other address as it is.
    package var unmapped: IPAddress {
        guard case .v6(0, let low) = family, low >> 32 == 0xffff else { return self }
        return IPAddress(.v4(UInt32(truncatingIfNeeded: low)))
    }

    /// The IPv4 address that an IPv6 address leads to: mapped, NAT64 (64:ff9b::/96) or 6to4 (2002::/16).
    private var embedded: IPAddress? {
        guard case .v6(let high, let low) = family else { return nil }
        if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 { return IPAddress(.v4(UInt32(truncatingIfNeeded: low))) }
        if high >> 48 == 0x2002 { return IPAddress(.v4(UInt32(truncatingIfNeeded: high >> 16))) }
        return unmapped == self ? nil : unmapped
    }

    // MARK: What an address is for

    /// 127/8, ::1 or ::ffff:127.0.0.0/104.
    package var isLoopback: Bool {
        switch unmapped.family {
        case .v4(let address): address >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// Anybody's: not private, link-local, loopback, shared, reserved, multicast or for documentation, by the IANA
    /// special-purpose registries (RFC 6890, as of 2025). An IPv4 address inside an IPv6 one is judged as itself.
    package var isPublic: Bool {
        if let embedded { return embedded.isPublic }
        if isIPv6 {
            return Self.globalUnicast.contains(self) && !Self.reservedIPv6.contains { $0.contains(self) }
        }
        return !Self.reservedIPv4.contains { $0.contains(self) }
    }

    private static let globalUnicast = IPPrefix(literal: "2000::/3")

    private static let reservedIPv6 = [
        IPPrefix(literal: "2001::/23"),  // protocol assignments, Teredo
        IPPrefix(literal: "2001:db8::/32"),  // documentation
        IPPrefix(literal: "3fff::/20"),  // documentation
    ]

    private static let reservedIPv4 = [
        IPPrefix(literal: "0.0.0.0/8"),  // this host
        IPPrefix(literal: "10.0.0.0/8"),  // private
        IPPrefix(literal: "100.64.0.0/10"),  // carrier-grade NAT
        IPPrefix(literal: "127.0.0.0/8"),  // loopback
        IPPrefix(literal: "169.254.0.0/16"),  // link-local, cloud metadata
        IPPrefix(literal: "172.16.0.0/12"),  // private
        IPPrefix(literal: "192.0.0.0/24"),  // protocol assignments
        IPPrefix(literal: "192.0.2.0/24"),  // documentation
        IPPrefix(literal: "192.88.99.0/24"),  // 6to4 relays
        IPPrefix(literal: "192.168.0.0/16"),  // private
        IPPrefix(literal: "198.18.0.0/15"),  // benchmarks
        IPPrefix(literal: "198.51.100.0/24"),  // documentation
        IPPrefix(literal: "203.0.113.0/24"),  // documentation
        IPPrefix(literal: "224.0.0.0/4"),  // multicast
        IPPrefix(literal: "240.0.0.0/4"),  // reserved, broadcast
    ]
}

/// All addresses that agree in their first bits (RFC 4632 §3.1).
package struct IPPrefix: Hashable, Sendable {
    private let network: IPAddress
    private let bits: Int

    /// The prefix that `address` lies in; nil where it has fewer bits than that.
    package init?(_ address: IPAddress, bits: Int) {
        guard (0...address.bitCount).contains(bits) else { return nil }
        network = address.network(bits: bits)
        self.bits = bits
    }

    /// Reads `address` or `address/bits`; nil for anything else, set bits outside the prefix included.
    /// ::ffff:10.0.0.0/104 is read as the IPv4 network that it stands for.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let written = IPAddress(first) else { return nil }
        let address = written.unmapped
        var bits = address.bitCount
        if parts.count == 2 {
            guard let number = SaturatingDigits.parse(Substring(parts[1])), number <= 128 else { return nil }
            bits = Int(number) - (written.bitCount - address.bitCount)
        }
        self.init(address, bits: bits)
        guard network == address else { return nil }
    }

    fileprivate init(literal: String) {
        guard let prefix = IPPrefix(literal) else { preconditionFailure("\(literal) is no prefix") }
        self = prefix
    }

    /// Whether `address` is one of them. An IPv4 address is never one of an IPv6 prefix, nor the other way round.
    package func contains(_ address: IPAddress) -> Bool {
        address.bitCount == network.bitCount && address.network(bits: bits) == network
    }
}

extension IPAddress {
    /// An address as it is written: four decimal numbers without leading zeros, or RFC 4291 §2.2 without a zone.
    package init?(_ text: some StringProtocol) {
        let bytes = text.contains(":") ? Self.ipv6(Substring(text)) : Self.ipv4(Substring(text))
        guard let bytes else { return nil }
        self.init(bytes: bytes)
    }

    package var description: String {
        let bytes = bytes
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
        guard let head = groups(text[..<gap.lowerBound], mayEndInIPv4: false),
            let tail = groups(text[gap.upperBound...]),
            head.count + tail.count <= 14
        else { return nil }
        return head + Array(repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Groups of hexadecimal digits; at the end of an address there may be an IPv4 address in the place of two.
    private static func groups(_ text: Substring, mayEndInIPv4: Bool = true) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, part.contains(".") {
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

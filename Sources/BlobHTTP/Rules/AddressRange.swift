import NIOCore

/// All addresses that begin alike (RFC 4632 §3.1), or one address.
package struct AddressRange: Hashable, Sendable {
    private let network: ClientAddress
    private let bits: Int

    /// Reads `address` or `address/bits`; nil for anything else, bits outside the prefix among it.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = ClientAddress(text: first) else { return nil }
        var bits = address.bitCount
        if parts.count == 2 {
            // ::ffff:10.0.0.0/104 is read as the IPv4 network it stands for.
            let isMapped = bits == 32 && first.contains(":")
            guard let number = SaturatingDigits.parse(parts[1].utf8), number <= 128 else { return nil }
            bits = Int(number) - (isMapped ? 96 : 0)
        }
        guard (0...address.bitCount).contains(bits), address.network(bits: bits) == address else { return nil }
        network = address
        self.bits = bits
    }

    /// Whether `address` is one of them.
    package func contains(_ address: ClientAddress) -> Bool {
        address.bitCount == network.bitCount && address.network(bits: bits) == network
    }
}

extension ClientAddress {
    /// An IPv4 address with dots or an IPv6 address without brackets and zone; nil for anything else.
    package init?(text: some StringProtocol) {
        // A zone would name an interface of the machine that wrote it.
        guard !text.contains("%"), let address = try? SocketAddress(ipAddress: String(text), port: 0) else {
            return nil
        }
        self.init(address)
    }
}

/// The address of a client, as much of it as is needed and no more.
package struct ClientAddress: Hashable, Sendable {
    /// The bytes of the address: 4, or 16; none for a client without an IP address.
    private let bytes: [UInt8]

    /// From the bytes of an IPv4 or IPv6 address; ::ffff:a.b.c.d counts as the IPv4 address it stands for.
    package init(bytes: [UInt8]) {
        let mappedPrefix: [UInt8] = Array(repeating: 0, count: 10) + [0xff, 0xff]
        self.bytes = bytes.count == 16 && bytes.starts(with: mappedPrefix) ? Array(bytes.suffix(4)) : bytes
    }

    /// Whom an anonymous lease is charged to: an IPv4 address, or the /64 that one IPv6 customer commonly has.
    package var subject: String { "address:\(prefix(bitsOfIPv4: 32, bitsOfIPv6: 64))" }

    /// For logs: /24 or /48.
    package var abbreviated: String { prefix(bitsOfIPv4: 24, bitsOfIPv6: 48) }

    private func prefix(bitsOfIPv4: Int, bitsOfIPv6: Int) -> String {
        switch bytes.count {
        case 4:
            let kept = bytes.prefix(bitsOfIPv4 / 8) + Array(repeating: 0, count: 4 - bitsOfIPv4 / 8)
            let text = kept.map(String.init).joined(separator: ".")
            return bitsOfIPv4 == 32 ? text : "\(text)/\(bitsOfIPv4)"
        case 16:
            let groups = stride(from: 0, to: bitsOfIPv6 / 8, by: 2).map { index in
                String(UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1]), radix: 16)
            }
            return "\(groups.joined(separator: ":"))::/\(bitsOfIPv6)"
        default: return "local"
        }
    }
}

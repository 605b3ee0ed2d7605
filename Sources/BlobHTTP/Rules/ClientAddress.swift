/// The address of a client, as much of it as is needed and no more. It is made for every request, and holds no memory
/// of its own.
package struct ClientAddress: Hashable, Sendable {
    private enum Family: Hashable {
        /// A client without an IP address.
        case none
        case v4(UInt32)
        /// The first and the second half.
        case v6(UInt64, UInt64)
    }

    private let family: Family

    /// From the bytes of an IPv4 or IPv6 address; ::ffff:a.b.c.d counts as the IPv4 address it stands for.
    package init(bytes: some Collection<UInt8>) {
        let high = Self.number(bytes.prefix(8))
        let low = Self.number(bytes.dropFirst(8))
        family =
            switch bytes.count {
            case 4: .v4(UInt32(truncatingIfNeeded: high))
            case 16 where high == 0 && low >> 32 == 0xffff: .v4(UInt32(truncatingIfNeeded: low))
            case 16: .v6(high, low)
            default: .none
            }
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Bits in an address of this kind: 32, 128, or 0 where there is none.
    var bitCount: Int {
        switch family {
        case .none: 0
        case .v4: 32
        case .v6: 128
        }
    }

    /// The network of the first `bits` bits that this address lies in: all others are zero.
    func network(bits: Int) -> ClientAddress {
        switch family {
        case .none: self
        case .v4(let address): ClientAddress(family: .v4(address & Self.mask(bits, of: UInt32.self)))
        case .v6(let high, let low):
            ClientAddress(
                family: .v6(high & Self.mask(bits, of: UInt64.self), low & Self.mask(bits - 64, of: UInt64.self)))
        }
    }

    private init(family: Family) { self.family = family }

    /// As many ones as `bits` says, from the left; all where there are more, none where it is negative.
    private static func mask<Word: FixedWidthInteger>(_ bits: Int, of: Word.Type) -> Word {
        ~Word.zero << (Word.bitWidth - min(max(bits, 0), Word.bitWidth))
    }

    /// Whom rates and anonymous leases are counted for: an IPv4 address, or the /64 that one IPv6 customer commonly has.
    var customer: ClientAddress { network(bits: 64) }

    /// The customer as the name of who is charged.
    package var subject: String { "address:\(prefix(bitsOfIPv4: 32, bitsOfIPv6: 64))" }

    /// For logs: /24 or /48.
    package var abbreviated: String { prefix(bitsOfIPv4: 24, bitsOfIPv6: 48) }

    private func prefix(bitsOfIPv4: Int, bitsOfIPv6: Int) -> String {
        switch network(bits: bitCount == 32 ? bitsOfIPv4 : bitsOfIPv6).family {
        case .none: return "local"
        case .v4(let address):
            let parts = stride(from: 24, through: 0, by: -8).map { String(address >> $0 & 0xff) }
            return parts.joined(separator: ".") + (bitsOfIPv4 == 32 ? "" : "/\(bitsOfIPv4)")
        case .v6(let high, _):
            let groups = stride(from: 48, to: 48 - bitsOfIPv6, by: -16).map { String(high >> $0 & 0xffff, radix: 16) }
            return "\(groups.joined(separator: ":"))::/\(bitsOfIPv6)"
        }
    }
}

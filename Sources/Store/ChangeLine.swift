package import Blobs

/// A place in a feed of changes: behind change number `number` of an epoch, which is new for each process that numbers
/// changes. Written as 16 digits, a hyphen and the number.
package struct ChangePosition: Hashable, Sendable, CustomStringConvertible {
    package let epoch: UInt64
    /// Of the last change before it; 0 where there is none.
    package let number: Int64

    /// `number` is not negative.
    package init(epoch: UInt64, number: Int64) {
        precondition(number >= 0, "changes are numbered from 1")
        self.epoch = epoch
        self.number = number
    }

    /// Reads `<epoch>-<number>`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let epoch = FixedHexadecimal.parse(parts[0], digits: 16),
            let number = PlainNumber.parse(parts[1])
        else { return nil }
        self.init(epoch: epoch, number: number)
    }

    package var description: String { "\(FixedHexadecimal.text(epoch, digits: 16))-\(number)" }
}

/// The first 48 bits of an address: enough to find a blob among those that one knows, too few to fetch one. Written as
/// 12 digits.
package struct AddressPrefix: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 6

    /// The 48 bits, at the low end.
    package let bits: UInt64

    package init(_ address: BlobAddress) {
        bits = (0..<Self.byteCount).reduce(0) { $0 << 8 | UInt64(address.byte(at: $1)) }
    }

    /// Nil for a number of more than 48 bits.
    package init?(bits: UInt64) {
        guard bits >> (8 * Self.byteCount) == 0 else { return nil }
        self.bits = bits
    }

    /// From exactly 12 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: some StringProtocol) {
        guard let bits = FixedHexadecimal.parse(hex.utf8, digits: 2 * Self.byteCount) else { return nil }
        self.bits = bits
    }

    package var description: String { FixedHexadecimal.text(bits, digits: 2 * Self.byteCount) }
}

/// One line of a feed of changes, without the LF that ends it. In the notation of RFC 5234, where letters stand for
/// themselves in lower case only:
///
///     line     = at / lost / change / tick
///     at       = "at " position                ; what follows are the changes behind this position
///     lost     = "lost " position              ; the same, and whoever asked has missed some
///     change   = "c " number " " 12HEX         ; number: not 0, and one more than that of the change before
///     tick     = "t " number                   ; nothing is known beyond the change of this number
///     position = 16HEX "-" number
///     number   = "0" / nonzero *18DIGIT        ; at most 2^63 − 1
///     HEX      = DIGIT / "a" / "b" / "c" / "d" / "e" / "f"
///
/// `parse` and `text` are each other's inverse, and there is one spelling of each line.
package enum ChangeLine: Hashable, Sendable {
    case at(ChangePosition)
    case lost(ChangePosition)
    case change(number: Int64, AddressPrefix)
    case tick(number: Int64)

    /// Bytes of the longest line.
    package static let limitBytes = "lost ".utf8.count + 16 + 1 + PlainNumber.limitDigits

    /// The line that `text` is; nil for anything else.
    package static func parse(_ text: some StringProtocol) -> ChangeLine? {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        switch (words.first, words.count) {
        case ("at", 2): return ChangePosition(words[1]).map { .at($0) }
        case ("lost", 2): return ChangePosition(words[1]).map { .lost($0) }
        case ("t", 2): return PlainNumber.parse(words[1].utf8).map { .tick(number: $0) }
        case ("c", 3):
            guard let number = PlainNumber.parse(words[1].utf8), number > 0, let prefix = AddressPrefix(hex: words[2])
            else { return nil }
            return .change(number: number, prefix)
        default: return nil
        }
    }

    package var text: String {
        switch self {
        case .at(let position): "at \(position)"
        case .lost(let position): "lost \(position)"
        case .change(let number, let prefix): "c \(number) \(prefix)"
        case .tick(let number): "t \(number)"
        }
    }
}

/// Numbers of exactly so many lower-case hexadecimal digits, at most 16.
private enum FixedHexadecimal {
    static func parse(_ text: some Collection<UInt8>, digits: Int) -> UInt64? {
        guard text.count == digits else { return nil }
        var number: UInt64 = 0
        for digit in text {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            number = number << 4 | UInt64(value)
        }
        return number
    }

    static func text(_ number: UInt64, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}

/// Numbers in decimal digits without zeros in front.
private enum PlainNumber {
    /// Digits of the largest.
    static let limitDigits = 19

    static func parse(_ text: some Collection<UInt8>) -> Int64? {
        guard let first = text.first, text.count <= limitDigits, first != UInt8(ascii: "0") || text.count == 1 else {
            return nil
        }
        var number: Int64 = 0
        for digit in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (tens, tensOverflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = tens.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
            if tensOverflow || sumOverflow { return nil }
            number = sum
        }
        return number
    }
}

import Blobs

/// Names one sweep of a store whose catalog and objects are apart: its number, and 8 random bytes, since several may be
/// about to be the next, and two catalogs that were one once may count on by themselves. Written as the number in 19 decimal
/// digits, a hyphen and 16 hexadecimal digits, so that the order of the texts is that of the numbers.
package struct PassToken: Hashable, Sendable, CustomStringConvertible {
    package let number: Int64
    private let salt: UInt64

    private init(number: Int64, salt: UInt64) {
        self.number = number
        self.salt = salt
    }

    /// Reads what `description` gives; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int64(parts[0]), number >= 0,
            let bytes = Hexadecimal.decode(parts[1]), bytes.count == 8
        else { return nil }
        self.init(number: number, salt: bytes.reduce(0) { $0 << 8 | UInt64($1) })
        guard description == text else { return nil }
    }

    /// A new one behind `token`, the first where that is nil.
    package static func next(after token: PassToken?) -> PassToken {
        PassToken(number: following(token?.number ?? 0), salt: .random(in: .min ... .max))
    }

    /// A new one that none of these tokens, and none that somebody makes behind one of them, comes up to.
    package static func next(beyond tokens: [PassToken]) -> PassToken {
        PassToken(
            number: following(following(tokens.map(\.number).max() ?? 0)), salt: .random(in: .min ... .max))
    }

    private static func following(_ number: Int64) -> Int64 { number == .max ? number : number + 1 }

    package var description: String {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: salt >> (56 - 8 * UInt64($0))) }
        let digits = String(number)
        return "\(String(repeating: "0", count: 19 - digits.count))\(digits)-\(Hexadecimal.encode(bytes))"
    }
}

/// Whether the catalog is the one that the objects were swept by last.
///
/// A sweep leaves an object that is named by its token, numbered behind the one that the catalog has, and then writes the
/// token into the catalog, unless that has got another meanwhile. So the catalog's own is among those of the objects, and
/// none of theirs is further than one ahead. A catalog that was put back from a copy has an older one, or one that went on
/// by itself elsewhere: what it does not know may be what it has forgotten.
package enum PassRule {
    /// - Parameters:
    ///   - catalog: the last sweep by the catalog's word; nil before the first.
    ///   - objects: those that have left an object, but for old ones. What the catalog says has to be the same before and
    ///     after they are looked at.
    package static func isPutBack(catalog: PassToken?, objects: [PassToken]) -> Bool {
        if let catalog, !objects.contains(catalog) { return true }
        let last = objects.map(\.number).max() ?? 0
        return last.subtractingReportingOverflow(catalog?.number ?? 0).partialValue > 1
    }

    /// Those that nobody needs any more once `token` is in the catalog.
    package static func outdated(_ objects: [PassToken], by token: PassToken) -> [PassToken] {
        objects.filter { $0.number < token.number - 1 }
    }
}

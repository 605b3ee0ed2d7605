import Blobs

/// Names one sweep of a store whose catalog and objects are apart: its number, and 8 random bytes, since two catalogs that
/// were one once may count on by themselves. Written as the number in decimal digits, a hyphen and 16 digits.
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

    /// A new one, numbered behind those.
    package static func next(after tokens: PassToken?...) -> PassToken {
        let last = tokens.compactMap { $0?.number }.max() ?? 0
        return PassToken(number: last == .max ? last : last + 1, salt: .random(in: .min ... .max))
    }

    package var description: String {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: salt >> (56 - 8 * UInt64($0))) }
        return "\(number)-\(Hexadecimal.encode(bytes))"
    }
}

/// What the objects know of the sweeps: the one before the last, unless that was the first, and the last. Both are there
/// since a sweep writes here before it writes into the catalog.
///
///     record = [token] LF token LF
package struct PassRecord: Hashable, Sendable {
    package let last: PassToken?
    package let next: PassToken

    package init(last: PassToken?, next: PassToken) {
        self.last = last
        self.next = next
    }

    /// Reads what `bytes` gives; nil for anything else.
    package init?(bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 3, lines[2].isEmpty, let next = PassToken(lines[1]) else { return nil }
        let last = PassToken(lines[0])
        guard last != nil || lines[0].isEmpty else { return nil }
        self.init(last: last, next: next)
    }

    package var bytes: [UInt8] { Array("\(last.map { "\($0)" } ?? "")\n\(next)\n".utf8) }
}

/// Whether the catalog is the one that the objects were swept by last. One that was put back from a copy names an older
/// sweep, or one that never was: what it does not know may be what it has forgotten.
package enum PassRule {
    /// - Parameters:
    ///   - catalog: the last sweep by the catalog's word; nil before the first.
    ///   - objects: what the objects know; nil where they know of none.
    package static func isPutBack(catalog: PassToken?, objects: PassRecord?) -> Bool {
        guard let objects else { return catalog != nil }
        guard let catalog else { return objects.last != nil }
        if catalog == objects.last || catalog == objects.next { return false }
        // A record that was long on its way may come after a newer one.
        return catalog.number <= objects.next.number
    }
}

import Blobs
import Store

/// How an operator writes numbers with units.
enum Quantity {
    /// Bytes: digits alone, or digits and `KiB`, `MiB`, `GiB` or `TiB`; nil for anything else.
    static func bytes(_ text: String) -> Int64? { ByteQuantity.parse(text) }

    /// A length of time: digits alone for seconds, or digits and `s`, `m`, `h`, `d` or `w`; at least a second.
    static func duration(_ text: String) -> Duration? { Lifetime(text).map { .seconds($0.seconds) } }

    /// A whole number from 1.
    static func count(_ text: String) -> Int? {
        guard let count = Int(text), count >= 1 else { return nil }
        return count
    }

    /// `true`, `yes`, `1`, or `false`, `no`, `0`; nothing at all, as after a flag, is true.
    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "", "true", "yes", "1": true
        case "false", "no", "0": false
        default: nil
        }
    }
}

import Blobs

/// How an operator writes numbers with units.
enum Quantity {
    private static let byteUnits: [(suffix: String, bytes: Int64)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// Bytes: digits alone, or digits and `KiB`, `MiB`, `GiB` or `TiB`; nil for anything else.
    static func bytes(_ text: String) -> Int64? {
        let unit = byteUnits.first { text.hasSuffix($0.suffix) }
        let digits = unit == nil ? text[...] : text.dropLast(3)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int64(digits)
        else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit?.bytes ?? 1)
        return overflow ? nil : product
    }

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

/// A run of bytes inside a blob that lies wholly within it: `offset ..< offset + count`, never empty.
package struct ByteRange: Hashable, Sendable {
    /// The first byte, counted from 0.
    package let offset: Int64
    /// How many bytes; at least 1.
    package let count: Int64

    /// A range of `count` bytes from `offset`; nil if it is empty, starts below 0 or passes the end of `size` bytes.
    package init?(offset: Int64, count: Int64, within size: Int64) {
        guard offset >= 0, count > 0, offset < size, count <= size - offset else { return nil }
        self.offset = offset
        self.count = count
    }

    /// The last byte, counted from 0.
    package var last: Int64 { offset + (count - 1) }

    /// One past the last byte.
    package var end: Int64 { offset + count }
}

/// Counts of bytes as people write them in settings.
package enum ByteQuantity {
    private static let units: [(suffix: String, bytes: Int64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ]

    /// Digits alone, or digits and `KiB`, `MiB`, `GiB` or `TiB`; nil for anything else.
    package static func parse(_ text: String) -> Int64? {
        let unit = units.first { text.hasSuffix($0.suffix) }
        let digits = unit == nil ? text[...] : text.dropLast(3)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int64(digits)
        else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit?.bytes ?? 1)
        return overflow ? nil : product
    }

    /// The shortest exact spelling: `512KiB`, `1MiB`, `1000`.
    package static func text(_ count: Int64) -> String {
        let unit = units.first { count > 0 && count % $0.bytes == 0 }
        return unit.map { "\(count / $0.bytes)\($0.suffix)" } ?? "\(count)"
    }
}

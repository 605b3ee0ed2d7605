/// A moment in whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX.1-2017 §4.16).
package struct Timestamp: Hashable, Comparable, Sendable {
    package var seconds: Int64

    package init(seconds: Int64) {
        self.seconds = seconds
    }

    package static func < (left: Self, right: Self) -> Bool { left.seconds < right.seconds }

    /// This moment and `lifetime` after it, or the last moment there is.
    package func advanced(by lifetime: Lifetime) -> Timestamp {
        let (sum, overflow) = seconds.addingReportingOverflow(lifetime.seconds)
        return Timestamp(seconds: overflow ? .max : sum)
    }

    /// Seconds from `earlier` to this moment, 0 if it is not earlier.
    package func secondsSince(_ earlier: Timestamp) -> Int64 {
        guard earlier < self else { return 0 }
        let (difference, overflow) = seconds.subtractingReportingOverflow(earlier.seconds)
        return overflow ? .max : difference
    }
}

/// How long something is kept, in whole seconds, at least 1.
package struct Lifetime: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let seconds: Int64

    /// A lifetime of `seconds`; nil below 1.
    package init?(seconds: Int64) {
        guard seconds >= 1 else { return nil }
        self.seconds = seconds
    }

    /// A lifetime as a person writes it: digits and one of `s`, `m`, `h`, `d`, `w`, `y` (365 days), or digits alone for
    /// seconds.
    package init?(_ text: some StringProtocol) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000]
        guard let last = text.last else { return nil }
        let unit = units[last]
        let digits = unit == nil ? text[...] : text.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let count = Int64(digits)
        else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit ?? 1)
        guard !overflow else { return nil }
        self.init(seconds: product)
    }

    package static func days(_ count: Int32) -> Lifetime {
        precondition(count >= 1, "a lifetime is at least a day when counted in days")
        return Lifetime(checked: Int64(count) * 86_400)
    }

    package static func minutes(_ count: Int32) -> Lifetime {
        precondition(count >= 1, "a lifetime is at least a minute when counted in minutes")
        return Lifetime(checked: Int64(count) * 60)
    }

    private init(checked seconds: Int64) { self.seconds = seconds }

    package static func < (left: Self, right: Self) -> Bool { left.seconds < right.seconds }

    /// The shortest exact spelling: `30d`, `90m`, `45s`.
    package var description: String {
        for (unit, name) in [(86_400, "d"), (3600, "h"), (60, "m")] as [(Int64, String)]
        where seconds % unit == 0 {
            return "\(seconds / unit)\(name)"
        }
        return "\(seconds)s"
    }
}

/// Single items of structured fields (RFC 9651 §3.3), as the drafts use them. Parameters are passed over.
enum StructuredItem {
    /// `?0` or `?1`; nil for anything else.
    static func boolean(_ text: String?) -> Bool? {
        switch text.flatMap(bare) {
        case "?0": false
        case "?1": true
        default: nil
        }
    }

    /// A whole number that is not negative, of at most 15 digits; nil for anything else.
    static func count(_ text: String?) -> Int64? {
        guard let digits = text.flatMap(bare), digits.utf8.count <= 15 else { return nil }
        return SaturatingDigits.parse(digits)
    }

    /// The item without its parameters, which begin at the first semicolon.
    private static func bare(_ text: String) -> String? {
        text.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first.map {
            String(Substring($0.utf8.trimmingBlanks()))
        }
    }

    static func encode(_ value: Bool) -> String { value ? "?1" : "?0" }
}

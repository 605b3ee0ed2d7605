/// The `Retry-After` field: seconds, or a date (RFC 9110 §10.2.3).
package enum RetryAfter {
    /// Seconds to wait from `now`, which is in seconds since 1970; 0 for a date that has passed, nil for nonsense.
    package static func seconds(_ text: String, now: Int64) -> Int64? {
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return Int64(text) ?? .max
        }
        guard let date = CurlDate.seconds(text) else { return nil }
        let (difference, overflow) = date.subtractingReportingOverflow(now)
        return overflow ? nil : max(0, difference)
    }
}

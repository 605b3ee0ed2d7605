import Blobs
import HTTPTypes

/// What an answer to GET holds of what was asked for.
enum RangeAnswer {
    /// The bytes of `range`, or of the whole object.
    static func bytes(of answer: S3Answer, _ range: ByteRange?) throws(RetryRule.Failure) -> [UInt8] {
        guard answer.status == 206 else {
            guard let range else { return answer.body }
            // A server may ignore ranges (RFC 9110 §14.2).
            return Array(answer.body.dropFirst(Int(clamping: range.offset)).prefix(Int(clamping: range.count)))
        }
        guard let range, let (first, last) = answer.fields[.contentRange].flatMap(parse), first == range.offset,
            last <= range.last, last - first == answer.body.count - 1
        else { throw .nonsense("it answered with another range than was asked for") }
        return answer.body
    }

    /// The first and the last byte in `bytes first-last/size` (RFC 9110 §14.4); nil where they are none.
    private static func parse(_ text: String) -> (first: Int64, last: Int64)? {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).prefix { $0 != "/" }.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = SaturatingDigits.parse(parts[0]),
            let last = SaturatingDigits.parse(parts[1]),
            first <= last, last < .max
        else { return nil }
        return (first, last)
    }
}

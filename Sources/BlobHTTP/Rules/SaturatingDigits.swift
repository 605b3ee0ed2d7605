/// Decimal digits from outside: a number too large to count is the largest there is, never an overflow.
package enum SaturatingDigits {
    /// The number that one or more ASCII digits write; nil for anything else.
    package static func parse(_ digits: some Collection<UInt8>) -> Int64? {
        guard !digits.isEmpty else { return nil }
        var number: Int64 = 0
        var isTooLarge = false
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (tens, tensOverflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = tens.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
            isTooLarge = isTooLarge || tensOverflow || sumOverflow
            number = isTooLarge ? .max : sum
        }
        return number
    }

    /// The number that `text` writes; nil unless it is one or more ASCII digits.
    package static func parse(_ text: String) -> Int64? { parse(text.utf8) }
}

extension BidirectionalCollection<UInt8> {
    /// Without spaces and tabs at both ends: OWS of RFC 9110 §5.6.3.
    func trimmingBlanks() -> SubSequence {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var trimmed = self[...].drop(while: isBlank)
        while let last = trimmed.last, isBlank(last) { trimmed.removeLast() }
        return trimmed
    }
}

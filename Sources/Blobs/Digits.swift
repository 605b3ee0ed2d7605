/// Lower-case hexadecimal, two digits a byte (RFC 4648 §8, but strictly lower case).
package enum Hexadecimal {
    /// The digits of `bytes`.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        // Safe: there is room for two digits a byte, and every digit is ASCII.
        unsafe String(unsafeUninitializedCapacity: 2 * bytes.count) { digits in
            var index = 0
            for byte in bytes {
                unsafe digits[index] = digit(byte >> 4)
                unsafe digits[index + 1] = digit(byte & 0x0f)
                index += 2
            }
            return index
        }
    }

    /// The bytes of `text`; nil if it has an odd number of digits or anything but `0-9a-f`.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 2)
        var high: UInt8?
        for unit in text.utf8 {
            guard let value = value(unit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// What the eight digits from `index` on stand for; nil if one of them is anything but `0-9a-f`. All eight are looked
    /// at together, each in a byte of its own.
    static func value(ofEight digits: Span<UInt8>, at index: Int) -> UInt32? {
        precondition(index >= 0 && index <= digits.count - 8, "there are eight digits")
        // Safe: the eight bytes are within the span, and every pattern of bits is a number.
        let word = unsafe UInt64(bigEndian: digits.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
        let ones: UInt64 = 0x0101_0101_0101_0101
        // Of ASCII, 0x40 is set in `a` and not in `0`.
        let letters = word >> 6 & ones
        let nibbles = (word & (0x0f &* ones)) &+ 9 &* letters
        let isWritten = 0x30 &* ones &+ nibbles &+ 0x27 &* letters == word
        // From 10 to 15 where there is a letter, and below 10 elsewhere.
        let isInRange = nibbles & (0x10 &* ones) == 0 && (nibbles &+ 6 &* ones) >> 4 & ones == letters
        guard isWritten, isInRange else { return nil }
        let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff
        let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff
        return UInt32(truncatingIfNeeded: pairs | pairs >> 16)
    }

    /// What one digit stands for; nil for anything but `0-9a-f`.
    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

/// Parses decimal digits from outside: a number that is too large becomes the largest one, and never overflows.
package enum SaturatingDigits {
    /// The number that one or more ASCII digits write; nil for anything else.
    package static func parse(_ digits: Span<UInt8>) -> Int64? {
        guard !digits.isEmpty else { return nil }
        var number: Int64 = 0
        var isTooLarge = false
        for index in digits.indices {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digits[index]) else { return nil }
            let (tens, tensOverflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = tens.addingReportingOverflow(Int64(digits[index] - UInt8(ascii: "0")))
            isTooLarge = isTooLarge || tensOverflow || sumOverflow
            number = isTooLarge ? .max : sum
        }
        return number
    }

    /// The number that `text` writes; nil unless it is one or more ASCII digits.
    package static func parse(_ text: String) -> Int64? { parse(text.utf8.span) }

    /// The number that `text` writes; nil unless it is one or more ASCII digits.
    package static func parse(_ text: Substring) -> Int64? { parse(text.utf8.span) }
}

/// The table of GIF's LZW (appendix F) without its strings: which codes are known, and how long the next one is. A decoder
/// makes a code of the string before and one more byte, until there are 4,096.
package struct LZWTable {
    /// What a code stands for.
    package enum LZWStep {
        case clear
        case end
        /// Nothing that is known yet.
        case unknown
        /// A string: that of the code itself, or the one before with its own first byte again. `before` is the code before,
        /// and `made` the code that this one and that one make.
        case string(before: Int?, isNew: Bool, made: Int?)
    }

    package static let limit = 4096
    /// Codes below stand for one byte.
    package let clear: Int
    private let firstLength: Int
    /// Bits of the next code.
    package private(set) var length: Int
    private var next: Int
    private var previous: Int?

    /// `size` is the number of bits of a pixel (2…8; a few programs write 1).
    package init(_ size: UInt8) {
        let size = min(11, max(1, Int(size)))
        clear = 1 << size
        firstLength = size + 1
        length = firstLength
        next = clear + 2
    }

    package var end: Int { clear + 1 }

    package mutating func take(_ code: Int) -> LZWStep {
        if code == clear {
            (length, next, previous) = (firstLength, clear + 2, nil)
            return .clear
        }
        if code == end { return .end }
        guard code < clear || code < next || code == next && previous != nil else { return .unknown }
        guard let before = previous else {
            guard code < clear else { return .unknown }
            previous = code
            return .string(before: nil, isNew: false, made: nil)
        }
        previous = code
        guard next < Self.limit else { return .string(before: before, isNew: code == next, made: nil) }
        let made = next
        next += 1
        if next == 1 << length && length < 12 { length += 1 }
        return .string(before: before, isNew: code == made, made: made)
    }
}

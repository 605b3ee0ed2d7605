package import Blobs
import Store

/// The Range field of a request (RFC 9110 §14.2), as far as this server takes it.
package enum RangeField: Hashable, Sendable {
    /// Absent, malformed, or in another unit than bytes: the whole blob is asked for.
    case ignored
    /// At least one byte range, in the order given.
    case ranges([Specifier])

    /// One range as the client wrote it (RFC 9110 §14.1.2); positions too large to count are the largest there is.
    package enum Specifier: Hashable, Sendable {
        /// From `first` to `last`, both counted from 0 and included; to the end without `last`.
        case from(first: Int64, last: Int64?)
        /// The last `count` bytes.
        case suffix(count: Int64)
    }

    /// Reads the field's value; nil is an absent field.
    package init(_ value: String?) {
        guard let value, let list = Self.list(of: value) else {
            self = .ignored
            return
        }
        var specifiers: [Specifier] = []
        for part in list.split(separator: UInt8(ascii: ",")) {
            let text = part.trimmingBlanks()
            if text.isEmpty { continue }  // RFC 9110 §5.6.1.2
            guard let specifier = Specifier(text) else {
                self = .ignored
                return
            }
            specifiers.append(specifier)
        }
        self = specifiers.isEmpty ? .ignored : .ranges(specifiers)
    }

    /// What follows `bytes=`; the unit's case does not matter.
    private static func list(of value: String) -> Array<UInt8>.SubSequence? {
        let bytes = Array(value.utf8)
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")),
            String(decoding: bytes[..<equals], as: UTF8.self).lowercased() == "bytes"
        else { return nil }
        return bytes[(equals + 1)...]
    }
}

extension RangeField.Specifier {
    fileprivate init?(_ text: Array<UInt8>.SubSequence) {
        guard let dash = text.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let before = text[..<dash]
        let after = text[(dash + 1)...]
        if before.isEmpty {
            guard let count = SaturatingDigits.parse(after) else { return nil }
            self = .suffix(count: count)
            return
        }
        guard let first = SaturatingDigits.parse(before) else { return nil }
        if after.isEmpty {
            self = .from(first: first, last: nil)
            return
        }
        guard let last = SaturatingDigits.parse(after), last >= first else { return nil }
        self = .from(first: first, last: last)
    }

    /// The bytes meant, in a blob of `size` bytes; nil if there are none.
    fileprivate func resolve(within size: Int64) -> ByteRange? {
        switch self {
        case .from(let first, let last):
            guard first < size else { return nil }
            let end = min(last ?? .max, size - 1)
            return ByteRange(offset: first, count: end - first + 1, within: size)
        case .suffix(let wanted):
            let count = min(wanted, size)
            return ByteRange(offset: size - count, count: count, within: size)
        }
    }
}

/// What a Range field comes to for a blob of a certain size.
package enum RangeDecision: Hashable, Sendable {
    case whole
    /// One or more ranges, in the order asked for.
    case parts([ByteRange])
    case unsatisfiable

    /// More ranges than this in one request are refused.
    package static let rangeLimit = 16

    /// Decides for a blob of `size` bytes: ranges beyond its end fall away; none left, too many, or together more than
    /// the blob itself is unsatisfiable (RFC 9110 §14.2 and §17.15, on ranges that ask for more than there is).
    package init(_ field: RangeField, size: Int64) {
        guard case .ranges(let specifiers) = field else {
            self = .whole
            return
        }
        guard specifiers.count <= Self.rangeLimit else {
            self = .unsatisfiable
            return
        }
        let parts = specifiers.compactMap { $0.resolve(within: size) }
        var room = size
        for part in parts {
            guard part.count <= room else {
                self = .unsatisfiable
                return
            }
            room -= part.count
        }
        self = parts.isEmpty ? .unsatisfiable : .parts(parts)
    }
}

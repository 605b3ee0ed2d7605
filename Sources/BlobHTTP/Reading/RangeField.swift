package import Blobs
import Store

/// The Range field of a request (RFC 9110 §14.2), as far as this server supports it.
package enum RangeField: Hashable, Sendable {
    /// Absent, malformed, or not in bytes: the request is for the whole blob.
    case ignored
    /// At least one byte range, in the order given.
    case ranges([Specifier])

    /// One range as the client wrote it (RFC 9110 §14.1.2). Positions that overflow are clamped.
    package enum Specifier: Hashable, Sendable {
        /// From `first` to `last`, both counted from 0 and included; to the end without `last`.
        case from(first: Int64, last: Int64?)
        /// The last `count` bytes.
        case suffix(count: Int64)
    }

    /// Parses the value of the field; nil is an absent field.
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

    /// The hint for the store, which may have to fetch what is asked for before it knows the size.
    var intent: ReadIntent {
        guard case .ranges(let specifiers) = self else { return .whole }
        guard specifiers.count == 1, case .from(let first, let last) = specifiers[0], first < .max else {
            return .ranges
        }
        return .range(first..<max(first, min(last ?? .max, .max - 1)) + 1)
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
            guard let count = SaturatingDigits.parse(after.span) else { return nil }
            self = .suffix(count: count)
            return
        }
        guard let first = SaturatingDigits.parse(before.span) else { return nil }
        if after.isEmpty {
            self = .from(first: first, last: nil)
            return
        }
        guard let last = SaturatingDigits.parse(after.span), last >= first else { return nil }
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

/// The result of a Range field for a blob of a certain size.
package enum RangeDecision: Hashable, Sendable {
    case whole
    /// One or more ranges, in the order asked for.
    case parts([ByteRange])
    case unsatisfiable

    /// More ranges than this in one request are refused.
    package static let rangeLimit = 16

    /// Decides for a blob of `size` bytes. Ranges beyond its end are dropped; none left, too many, or more bytes
    /// together than the blob has are unsatisfiable (RFC 9110 §14.2 and §17.15, on requests for more than there is).
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

/// The body of a response with several ranges (RFC 9110 §14.6), laid out before any byte of the blob is read:
///
///     for each part   --boundary CRLF  Content-Type: … CRLF  Content-Range: bytes a-b/n CRLF  CRLF  bytes  CRLF
///     at the end      --boundary-- CRLF
package struct MultipartLayout: Hashable, Sendable {
    package struct Part: Hashable, Sendable {
        /// What precedes the bytes, the line end of the previous part included.
        package let head: String
        package let range: ByteRange
    }

    package let boundary: String
    package let parts: [Part]
    package let tail: String
    /// Bytes of the whole body.
    package let contentLength: Int64

    /// Lays out `ranges` of the blob at `address`. The boundary is its own digest, which no blob can contain.
    package init(
        _ ranges: [ByteRange], of address: BlobAddress, size: Int64, mediaType: String = "application/octet-stream"
    ) {
        let boundary = address.hex
        var parts: [Part] = []
        var length: Int64 = 0
        for range in ranges {
            let head =
                "\(parts.isEmpty ? "" : "\r\n")--\(boundary)\r\n"
                + "Content-Type: \(mediaType)\r\n"
                + "Content-Range: \(ContentRangeField.text(range, size: size))\r\n\r\n"
            parts.append(Part(head: head, range: range))
            // Cannot overflow: the ranges together are no larger than the blob, the heads a few kilobytes.
            length += Int64(head.utf8.count) + range.count
        }
        self.boundary = boundary
        self.parts = parts
        tail = "\r\n--\(boundary)--\r\n"
        contentLength = length + Int64(tail.utf8.count)
    }

    package var contentType: String { "multipart/byteranges; boundary=\(boundary)" }
}

/// The Content-Range field (RFC 9110 §14.4).
package enum ContentRangeField {
    package static func text(_ range: ByteRange, size: Int64) -> String {
        "bytes \(range.offset)-\(range.last)/\(size)"
    }

    package static func unsatisfied(size: Int64) -> String { "bytes */\(size)" }
}

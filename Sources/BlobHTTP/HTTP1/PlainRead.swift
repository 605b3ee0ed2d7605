import Blobs
import HTTPTypes
import NIOCore

/// A read in its usual form, recognised in the bytes as they came: `GET` or `HEAD` of an address or of a slot by HTTP/1.1,
/// whose fields mean nothing to a read, or ask for one range, or name one entity tag.
///
/// It takes a part of what the decoder takes, and means the same. Whatever it does not take is left to the decoder.
struct PlainRead: Equatable {
    /// What is read.
    enum Subject: Equatable {
        case blob(BlobAddress)
        /// A slot, if what begins so names one: where the target is among the bytes.
        case slot(target: Range<Int>)
    }

    /// Bytes of the longest target of a slot that is taken.
    static let targetLimit = 256

    let subject: Subject
    let isHead: Bool
    /// The one entity tag that If-None-Match has, if it is a blob's: the client has that one.
    private(set) var known: BlobAddress?
    /// The first and the last byte that Range asks for; the first is not behind the last.
    private(set) var range: ClosedRange<Int64>?
    /// Bytes of the whole request.
    private(set) var byteCount = 0
    /// Where the first field begins.
    private let fieldsIndex: Int
    private var hasHost = false

    /// The request at the start of `bytes`, where it ends within `limit` of them.
    init?(_ bytes: Span<UInt8>, limit: Int) {
        let bytes = bytes.extracting(first: min(limit, bytes.count))
        var rest = Scanner()
        if rest.take("GET /", bytes) {
            isHead = false
        } else if rest.take("HEAD /", bytes) {
            isHead = true
        } else {
            return nil
        }
        guard let subject = rest.takeSubject(bytes), rest.take(" HTTP/1.1\r\n", bytes) else { return nil }
        self.subject = subject
        fieldsIndex = rest.index
        var fields = 0
        while !rest.take("\r\n", bytes) {
            guard let field = rest.takeField(bytes), take(field, bytes) else { return nil }
            fields += 1
        }
        if fields > ConnectionLimits.headerFields { return nil }
        guard hasHost else { return nil }
        byteCount = rest.index
    }

    /// Whether a field can be taken.
    private mutating func take(_ field: FieldPlace, _ bytes: Span<UInt8>) -> Bool {
        let value = bytes.extracting(field.value)
        switch field.name.count {
        case 4 where field.isNamed("host", bytes):
            if hasHost { return false }
            hasHost = true
            return true
        case 5 where field.isNamed("range", bytes):
            guard range == nil, let range = Self.range(value) else { return false }
            self.range = range
            return true
        case 10 where field.isNamed("connection", bytes): return value.equals("keep-alive")
        case 13 where field.isNamed("if-none-match", bytes):
            guard known == nil, let tag = Self.tag(value) else { return false }
            known = tag
            return true
        case 6: return !field.isNamed("expect", bytes)
        case 7: return !field.isNamed("upgrade", bytes)
        case 8: return !field.isNamed("if-match", bytes) && !field.isNamed("if-range", bytes)
        case 14: return !field.isNamed("content-length", bytes) && !field.isNamed("satchel-reread", bytes)
        case 16: return !field.isNamed("proxy-connection", bytes)
        case 17: return !field.isNamed("transfer-encoding", bytes)
        default: return true
        }
    }

    /// The value of a field among `bytes`, which it was read from; of several, one list (RFC 9110 §5.3). `name` is in lower
    /// case.
    func value(of name: String, in bytes: Span<UInt8>) -> String? {
        var rest = Scanner()
        rest.index = fieldsIndex
        var found: String?
        while rest.index < byteCount, let field = rest.takeField(bytes) {
            guard field.isNamed(name, bytes) else { continue }
            let value = bytes.extracting(field.value)
            let text = String(decoding: value.indices.map { value[$0] }, as: UTF8.self)
            found = found.map { "\($0),\(text)" } ?? text
        }
        return found
    }

    /// `bytes=first-last` with at most 18 digits each, which no overflow can come of.
    private static func range(_ value: Span<UInt8>) -> ClosedRange<Int64>? {
        var rest = Scanner()
        guard rest.take("bytes=", value), let first = rest.takeNumber(value), rest.take("-", value),
            let last = rest.takeNumber(value), rest.index == value.count, first <= last
        else { return nil }
        return first...last
    }

    /// The blob whose strong tag `value` is (RFC 9110 §8.8.3).
    private static func tag(_ value: Span<UInt8>) -> BlobAddress? {
        let quote = UInt8(ascii: "\"")
        guard value.count == 2 * BlobAddress.byteCount + 2, value[0] == quote, value[value.count - 1] == quote else {
            return nil
        }
        return BlobAddress(hexDigits: value.extracting(1..<value.count - 1))
    }
}

/// Where the name and the value of a field are among the bytes of a request.
struct FieldPlace {
    let name: Range<Int>
    /// Without the blanks around it.
    let value: Range<Int>

    /// Whether its name is `name`, which is in lower case (RFC 9110 §5.1).
    func isNamed(_ name: StaticString, _ bytes: Span<UInt8>) -> Bool { bytes.extracting(self.name).equals(name) }

    /// The same for a name that is known only now.
    func isNamed(_ name: String, _ bytes: Span<UInt8>) -> Bool {
        let (letters, expected) = (bytes.extracting(self.name), name.utf8.span)
        return letters.count == expected.count && letters.indices.allSatisfy { letters[$0].lowercased == expected[$0] }
    }
}

/// A place in the head of a request, which moves on over what is there.
private struct Scanner {
    var index = 0

    /// Goes over `text`, if that is what comes.
    mutating func take(_ text: StaticString, _ bytes: Span<UInt8>) -> Bool {
        let end = index + text.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        var place = index
        while place < end {
            // Safe: `end` is within the span, and the bytes of a static string live for ever.
            if unsafe bytes[unchecked: place] != text.utf8Start[place - index] { return false }
            place += 1
        }
        index = end
        return true
    }

    /// An address behind the slash of a target, or a path that a slot may have. No address begins with an `s`.
    mutating func takeSubject(_ bytes: Span<UInt8>) -> PlainRead.Subject? {
        let start = index - 1
        if take("slots/", bytes) {
            let end = min(bytes.count, start + PlainRead.targetLimit)
            skipVisible(bytes.extracting(first: end), withBlanks: false)
            return .slot(target: start..<index)
        }
        let end = index + 2 * BlobAddress.byteCount
        guard end <= bytes.count, let address = BlobAddress(hexDigits: bytes.extracting(index..<end)) else {
            return nil
        }
        index = end
        return .blob(address)
    }

    /// A number of at most 18 digits.
    mutating func takeNumber(_ bytes: Span<UInt8>) -> Int64? {
        var number: Int64 = 0
        let start = index
        while index < bytes.count, bytes[index] &- 0x30 < 10 {
            if index - start == 18 { return nil }
            number = number &* 10 &+ Int64(bytes[index] &- 0x30)
            index += 1
        }
        return index > start ? number : nil
    }

    /// A line with a field (RFC 9112 §5): a token, a colon at once, and a value of visible ASCII and blanks.
    mutating func takeField(_ bytes: Span<UInt8>) -> FieldPlace? {
        let start = index
        // Safe: the place is within the span.
        while index < bytes.count, unsafe bytes[unchecked: index].isOfToken { index += 1 }
        let name = start..<index
        guard !name.isEmpty, take(":", bytes) else { return nil }
        while index < bytes.count, bytes[index].isBlank { index += 1 }
        let begin = index
        skipVisible(bytes, withBlanks: true)
        var end = index
        guard take("\r\n", bytes) else { return nil }
        while end > begin, bytes[end - 1].isBlank { end -= 1 }
        return FieldPlace(name: name, value: begin..<end)
    }

    /// Goes over visible ASCII, and over blanks if wanted, eight bytes at a time where none of them is a tab.
    private mutating func skipVisible(_ bytes: Span<UInt8>, withBlanks: Bool) {
        let first: UInt8 = withBlanks ? 0x20 : 0x21
        let ones: UInt64 = 0x0101_0101_0101_0101
        while bytes.count - index >= 8 {
            // Safe: the eight bytes are within the span, and every pattern of bits is a number.
            let word = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            // The top bit of a byte is set by taking `first` from less, by adding one to 0x7f, or was set before.
            guard ((word &- UInt64(first) &* ones) | (word &+ ones) | word) & (0x80 &* ones) == 0 else { break }
            index += 8
        }
        while index < bytes.count,
            bytes[index] >= first && bytes[index] < 0x7f || withBlanks && bytes[index] == 0x09
        { index += 1 }
    }
}

extension Span<UInt8> {
    /// Whether these are the letters of `text`, which is in lower case, in either case.
    fileprivate func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in indices {
            // Safe: the bytes of a static string live for ever, and there are as many as here.
            if unsafe self[index].lowercased != text.utf8Start[index] { return false }
        }
        return true
    }
}

extension UInt8 {
    /// Whether it may be part of a token (RFC 9110 §5.6.2).
    fileprivate var isOfToken: Bool {
        let set: (UInt64, UInt64) = (0x03ff_6cfa_0000_0000, 0x57ff_ffff_c7ff_fffe)
        if self >= 0x80 { return false }
        return (self < 64 ? set.0 >> UInt64(self) : set.1 >> UInt64(self - 64)) & 1 == 1
    }

    /// Of a letter, the one in lower case.
    fileprivate var lowercased: UInt8 { self >= 0x41 && self <= 0x5a ? self | 0x20 : self }

    fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 }
}

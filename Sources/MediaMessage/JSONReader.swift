/// A JSON value. Numbers stay as written; each field decides what is valid.
package indirect enum JSONValue: Hashable, Sendable {
    case object([String: JSONValue])
    case array([JSONValue])
    case string(String)
    case number(String)
    case bool(Bool)
    case null
}

/// Parses untrusted JSON (RFC 8259): strict, and limited in depth.
///
/// Beyond the grammar it rejects duplicate names (after unescaping), lone surrogates, and more than `depthLimit` nested
/// objects and arrays.
package struct JSONReader {
    static let depthLimit = 4

    private let bytes: [UInt8]
    private var position = 0

    /// Parses a single value, with optional white space around it.
    package static func read(_ bytes: [UInt8]) throws(MessageError) -> JSONValue {
        var reader = JSONReader(bytes: bytes)
        reader.skipSpace()
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.fault("unexpected text after the value") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func value(depth: Int) throws(MessageError) -> JSONValue {
        guard let byte = peek else { throw fault("expected a value") }
        switch byte {
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: throw fault("expected a value")
        }
    }

    private mutating func object(depth: Int) throws(MessageError) -> [String: JSONValue] {
        try enter(depth)
        var members: [String: JSONValue] = [:]
        guard !takeIfNext("}") else { return members }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw fault("expected a name") }
            let name = try string()
            skipSpace()
            try take(":")
            skipSpace()
            let value = try value(depth: depth)
            guard members.updateValue(value, forKey: name) == nil else { throw .doubled(name) }
            skipSpace()
        } while takeIfNext(",")
        try take("}")
        return members
    }

    private mutating func array(depth: Int) throws(MessageError) -> [JSONValue] {
        try enter(depth)
        var elements: [JSONValue] = []
        guard !takeIfNext("]") else { return elements }
        repeat {
            skipSpace()
            elements.append(try value(depth: depth))
            skipSpace()
        } while takeIfNext(",")
        try take("]")
        return elements
    }

    private mutating func enter(_ depth: Int) throws(MessageError) {
        guard depth <= Self.depthLimit else { throw .tooDeep(offset: position) }
        position += 1
        skipSpace()
    }

    // MARK: Numbers and words

    private mutating func number() throws(MessageError) -> String {
        let start = position
        _ = takeIfNext("-")
        if takeIfNext("0") {
            guard !isDigit(peek) else { throw fault("number with a leading zero") }
        } else {
            try digits()
        }
        if takeIfNext(".") { try digits() }
        if takeIfNext("e") || takeIfNext("E") {
            if !takeIfNext("+") { _ = takeIfNext("-") }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws(MessageError) {
        guard isDigit(peek) else { throw fault("expected a digit") }
        while isDigit(peek) { position += 1 }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(MessageError) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw fault("expected a value") }
        position += word.utf8.count
        return value
    }

    // MARK: Strings

    private mutating func string() throws(MessageError) -> String {
        position += 1
        var text: [UInt8] = []
        while true {
            guard let byte = peek else { throw fault("unterminated string") }
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let text = String(validating: text, as: UTF8.self) else { throw fault("invalid UTF-8") }
                return text
            case UInt8(ascii: "\\"):
                position += 1
                text += Array(String(try escaped()).utf8)
            case ..<0x20:
                throw fault("control character in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
    }

    private mutating func escaped() throws(MessageError) -> Unicode.Scalar {
        guard let byte = peek else { throw fault("unterminated string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar()
        default: throw fault("unknown escape")
        }
    }

    /// What follows `\u`: one UTF-16 unit, or the two of a surrogate pair.
    private mutating func escapedScalar() throws(MessageError) -> Unicode.Scalar {
        let first = try hexadecimalUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(first), takeIfNext("\\"), takeIfNext("u") else { throw fault("lone surrogate") }
        let second = try hexadecimalUnit()
        guard UTF16.isTrailSurrogate(second) else { throw fault("lone surrogate") }
        return UTF16.decode(UTF16.EncodedScalar([first, second]))
    }

    private mutating func hexadecimalUnit() throws(MessageError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fault("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }

    // MARK: Steps

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func isDigit(_ byte: UInt8?) -> Bool {
        byte.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
    }

    private mutating func skipSpace() {
        while let byte = peek, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 }
    }

    private mutating func takeIfNext(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func take(_ character: Unicode.Scalar) throws(MessageError) {
        guard takeIfNext(character) else { throw fault("expected \(character)") }
    }

    private func fault(_ why: String) -> MessageError { .notJSON(why, offset: position) }
}

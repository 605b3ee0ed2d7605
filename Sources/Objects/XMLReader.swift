/// One element of an XML document: its name, its text or the elements in it. Attributes are not kept.
struct XMLElement: Hashable, Sendable {
    let name: String
    /// The text, with references resolved; of an element with elements in it, empty.
    var text = ""
    var children: [XMLElement] = []

    /// The first element in it with this name.
    subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

    /// All elements in it with this name.
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// Reads XML as object stores write it, from outside: a subset of XML 1.0 without document types, and so without
/// entities of anybody's own. What is not in the subset is refused, as is text beside elements.
struct XMLReader {
    /// Why a text was refused.
    struct Failure: Error, Hashable {
        let reason: String
    }

    /// Elements around each other, at most.
    private static let depthLimit = 16
    /// Elements in all, at most.
    private static let elementLimit = 32_768

    private let bytes: [UInt8]
    private var index = 0
    private var elementCount = 0

    /// The outermost element of a document in UTF-8.
    static func read(_ bytes: [UInt8]) throws(Failure) -> XMLElement {
        var reader = XMLReader(bytes: bytes)
        return try reader.document()
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    // MARK: Documents and elements

    private mutating func document() throws(Failure) -> XMLElement {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Failure(reason: "it is not UTF-8") }
        _ = skip([0xef, 0xbb, 0xbf])
        if starts(with: "<?xml") { try skip(past: "?>") }
        try skipMiscellaneous()
        let root = try element(depth: 1)
        try skipMiscellaneous()
        guard index == bytes.count else { throw Failure(reason: "something follows its last element") }
        return root
    }

    /// Blanks and comments.
    private mutating func skipMiscellaneous() throws(Failure) {
        skipBlanks()
        while starts(with: "<!--") {
            try skip(past: "-->")
            skipBlanks()
        }
    }

    private mutating func element(depth: Int) throws(Failure) -> XMLElement {
        guard depth <= Self.depthLimit else { throw Failure(reason: "its elements are too deep in each other") }
        elementCount += 1
        guard elementCount <= Self.elementLimit else { throw Failure(reason: "it has too many elements") }
        try expect("<")
        var element = XMLElement(name: try name())
        if try attributes() { return element }
        var text: [UInt8] = []
        while !starts(with: "</") {
            if starts(with: "<!--") {
                try skip(past: "-->")
            } else if peek() == UInt8(ascii: "<") {
                element.children.append(try self.element(depth: depth + 1))
            } else {
                text.append(contentsOf: try characters())
            }
        }
        try expect("</\(element.name)")
        skipBlanks()
        try expect(">")
        if element.children.isEmpty {
            element.text = String(decoding: text, as: UTF8.self)
        } else if !text.allSatisfy(Self.isBlank) {
            throw Failure(reason: "it has text beside elements")
        }
        return element
    }

    /// What stands in a tag behind its name; true if the element ends with it.
    private mutating func attributes() throws(Failure) -> Bool {
        while true {
            let hasBlank = skipBlanks()
            if skip(Array("/>".utf8)) { return true }
            if skip(Array(">".utf8)) { return false }
            guard hasBlank else { throw Failure(reason: "a tag does not end") }
            _ = try name()
            skipBlanks()
            try expect("=")
            skipBlanks()
            guard let quote = peek(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                throw Failure(reason: "an attribute has no value")
            }
            index += 1
            while let byte = peek(), byte != quote {
                if byte == UInt8(ascii: "<") { throw Failure(reason: "an attribute has a tag in it") }
                index += 1
            }
            guard peek() == quote else { throw Failure(reason: "an attribute does not end") }
            index += 1
        }
    }

    private mutating func name() throws(Failure) -> String {
        let start = index
        while let byte = peek(), Self.isNamePart(byte, first: index == start) { index += 1 }
        guard index > start, index - start <= 128 else { throw Failure(reason: "a name is none") }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    // MARK: Text

    /// Text up to the next tag or reference, or one reference.
    private mutating func characters() throws(Failure) -> [UInt8] {
        guard let first = peek() else { throw Failure(reason: "it ends within an element") }
        if first == UInt8(ascii: "&") { return try reference() }
        let start = index
        while let byte = peek(), byte != UInt8(ascii: "<"), byte != UInt8(ascii: "&") {
            guard byte >= 0x20 || Self.isBlank(byte) else { throw Failure(reason: "it has a control character") }
            index += 1
        }
        return Array(bytes[start..<index])
    }

    private mutating func reference() throws(Failure) -> [UInt8] {
        let start = index + 1
        guard let end = bytes[start...].prefix(10).firstIndex(of: UInt8(ascii: ";")) else {
            throw Failure(reason: "a reference does not end")
        }
        index = end + 1
        let name = String(decoding: bytes[start..<end], as: UTF8.self)
        switch name {
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "amp": return [UInt8(ascii: "&")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default: break
        }
        let digits = name.hasPrefix("#x") ? name.dropFirst(2) : name.dropFirst(1)
        guard name.hasPrefix("#"), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x66).contains($0) }),
            let number = UInt32(digits, radix: name.hasPrefix("#x") ? 16 : 10), let scalar = Unicode.Scalar(number),
            number >= 0x20 || [0x09, 0x0a, 0x0d].contains(number)
        else { throw Failure(reason: "a reference leads nowhere") }
        return Array(String(scalar).utf8)
    }

    // MARK: Bytes

    private func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }

    private func starts(with text: String) -> Bool { bytes[index...].starts(with: text.utf8) }

    private mutating func skip(_ expected: [UInt8]) -> Bool {
        guard bytes[index...].starts(with: expected) else { return false }
        index += expected.count
        return true
    }

    private mutating func expect(_ text: String) throws(Failure) {
        guard skip(Array(text.utf8)) else { throw Failure(reason: "\(text) is missing") }
    }

    private mutating func skip(past end: String) throws(Failure) {
        let end = Array(end.utf8)
        while index < bytes.count {
            if skip(end) { return }
            index += 1
        }
        throw Failure(reason: "something does not end")
    }

    @discardableResult
    private mutating func skipBlanks() -> Bool {
        let start = index
        while let byte = peek(), Self.isBlank(byte) { index += 1 }
        return index > start
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

    private static func isNamePart(_ byte: UInt8, first: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: ":"):
            true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): !first
        default: false
        }
    }
}

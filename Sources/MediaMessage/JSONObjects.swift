/// The members of one JSON object, by name and type; a member of another type is an error, not absence.
struct JSONFields {
    private let members: [String: JSONValue]
    private let path: String

    /// The members of `value`, which errors call `path` (`""` for the whole message, otherwise ending with a dot).
    init(_ value: JSONValue, path: String) throws(MessageError) {
        guard case .object(let members) = value else {
            throw path.isEmpty
                ? .notJSON("expected an object", offset: 0) : .invalid(String(path.dropLast()), "is not an object")
        }
        self.members = members
        self.path = path
    }

    func requiredObject(_ name: String) throws(MessageError) -> JSONFields {
        guard let value = members[name] else { throw .missing(path + name) }
        return try JSONFields(value, path: path + name + ".")
    }

    func string(_ name: String) throws(MessageError) -> String? {
        switch members[name] {
        case nil: return nil
        case .string(let text): return text
        default: throw .invalid(path + name, "is not a string")
        }
    }

    /// A string, parsed; a nil from `parse` is an error.
    func parsed<Value>(_ name: String, _ parse: (String) -> Value?) throws(MessageError) -> Value? {
        guard let text = try string(name) else { return nil }
        guard let value = parse(text) else { throw .invalid(path + name, "is invalid") }
        return value
    }

    func requiredParsed<Value>(_ name: String, _ parse: (String) -> Value?) throws(MessageError) -> Value {
        guard let value = try parsed(name, parse) else { throw .missing(path + name) }
        return value
    }

    func parsedList<Value>(_ name: String, _ parse: (String) -> Value?) throws(MessageError) -> [Value] {
        switch members[name] {
        case nil: return []
        case .array(let elements):
            var list: [Value] = []
            for element in elements {
                guard case .string(let text) = element, let value = parse(text) else {
                    throw .invalid(path + name, "has an invalid element")
                }
                list.append(value)
            }
            return list
        default: throw .invalid(path + name, "is not an array")
        }
    }

    /// 0…2^53-1, written in digits alone.
    func integer(_ name: String) throws(MessageError) -> Int64? {
        guard let text = try number(name) else { return nil }
        guard let value = strictInteger(text) else {
            throw .invalid(path + name, "is not an integer from 0 to 2^53-1 in digits alone")
        }
        return value
    }

    func requiredInteger(_ name: String) throws(MessageError) -> Int64 {
        guard let value = try integer(name) else { throw .missing(path + name) }
        return value
    }

    /// A finite number, at least 0; fraction and exponent allowed.
    func seconds(_ name: String) throws(MessageError) -> Double? {
        guard let text = try number(name) else { return nil }
        guard let value = Double(text), value.isFinite, value.sign == .plus else {
            throw .invalid(path + name, "is not a number of seconds")
        }
        return value
    }

    /// A number as written.
    func requiredNumber(_ name: String) throws(MessageError) -> String {
        guard let text = try number(name) else { throw .missing(path + name) }
        return text
    }

    private func number(_ name: String) throws(MessageError) -> String? {
        switch members[name] {
        case nil: return nil
        case .number(let text): return text
        default: throw .invalid(path + name, "is not a number")
        }
    }
}

/// 0…2^53-1, written in digits alone without leading zeros.
func strictInteger(_ text: String) -> Int64? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || !text.hasPrefix("0"),
        let value = Int64(text), value <= MediaMessage.integerLimit
    else { return nil }
    return value
}

/// Seconds as short as possible to be read back exactly.
func secondsText(_ seconds: Double) -> String {
    Int64(exactly: seconds).map { String($0) } ?? seconds.description
}

/// Writes a JSON object, its members in the order they were added, without white space.
package struct JSONWriter {
    private var members: [String] = []

    package init() {}

    package mutating func add(_ name: String, string: String?) {
        if let string { add(name, raw: Self.quoted(string)) }
    }

    package mutating func add(_ name: String, integer: (some BinaryInteger)?) {
        if let integer { add(name, raw: String(integer)) }
    }

    /// A number, at least 0.
    mutating func add(_ name: String, seconds: Double?) {
        if let seconds { add(name, raw: secondsText(seconds)) }
    }

    package mutating func add(_ name: String, strings: [String]) {
        if !strings.isEmpty { add(name, raw: "[" + strings.map(Self.quoted).joined(separator: ",") + "]") }
    }

    mutating func add(_ name: String, object: JSONWriter) {
        add(name, raw: object.text)
    }

    /// An array of objects, written even if empty.
    package mutating func add(_ name: String, objects: [JSONWriter]) {
        add(name, raw: "[" + objects.map(\.text).joined(separator: ",") + "]")
    }

    /// The object.
    package var text: String { "{" + members.joined(separator: ",") + "}" }

    private mutating func add(_ name: String, raw: String) {
        members.append(Self.quoted(name) + ":" + raw)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case ..<" ": result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// The members of one JSON object, asked for by name and kind; a member of another kind is an error, not absence.
struct JSONFields {
    private let members: [String: JSONValue]
    private let path: String

    /// The members of `value`, which `path` names in errors (`""` for the whole message, else ending with a dot).
    init(_ value: JSONValue, path: String) throws(MessageError) {
        guard case .object(let members) = value else {
            throw path.isEmpty
                ? .notJSON("an object is wanted", offset: 0) : .invalid(String(path.dropLast()), "is not an object")
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

    /// What `parse` makes of a string; its nil is an error.
    func parsed<Value>(_ name: String, _ parse: (String) -> Value?) throws(MessageError) -> Value? {
        guard let text = try string(name) else { return nil }
        guard let value = parse(text) else { throw .invalid(path + name, "cannot be read") }
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
                    throw .invalid(path + name, "holds something that cannot be read")
                }
                list.append(value)
            }
            return list
        default: throw .invalid(path + name, "is not an array")
        }
    }

    /// 0…2^53-1 in digits alone.
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

    /// A finite number of at least 0; fraction and exponent allowed.
    func seconds(_ name: String) throws(MessageError) -> Double? {
        guard let text = try number(name) else { return nil }
        guard let value = Double(text), value.isFinite, value.sign == .plus else {
            throw .invalid(path + name, "is not a number of seconds")
        }
        return value
    }

    /// A number as it was written.
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

/// 0…2^53-1 in digits alone, without leading zeros.
func strictInteger(_ text: String) -> Int64? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || !text.hasPrefix("0"),
        let value = Int64(text), value <= MediaMessage.integerLimit
    else { return nil }
    return value
}

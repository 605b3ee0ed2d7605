/// Writes a JSON object, its members in the order they are given, without white space.
package struct JSONWriter {
    private var members: [String] = []

    package init() {}

    package mutating func add(_ name: String, string: String?) {
        if let string { add(name, raw: Self.quoted(string)) }
    }

    package mutating func add(_ name: String, integer: (some BinaryInteger)?) {
        if let integer { add(name, raw: String(integer)) }
    }

    /// A number of at least 0, as short as it can be read back exactly.
    mutating func add(_ name: String, seconds: Double?) {
        guard let seconds else { return }
        add(name, raw: Int64(exactly: seconds).map { String($0) } ?? seconds.description)
    }

    package mutating func add(_ name: String, strings: [String]) {
        if !strings.isEmpty { add(name, raw: "[" + strings.map(Self.quoted).joined(separator: ",") + "]") }
    }

    mutating func add(_ name: String, object: JSONWriter) {
        add(name, raw: object.text)
    }

    /// An array of objects, written even where it is empty.
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

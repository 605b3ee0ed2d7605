import FoundationEssentials

/// A settings file: one JSON object, with comments and a comma after its last member if wished.
enum SettingsFile {
    /// Lines of the longest file that is searched for a mistake, each by decoding all before it.
    private static let searchedLines = 1000

    /// The members as text.
    static func members(_ bytes: [UInt8]) throws(SettingsFileError) -> [String: String] {
        do { return try decode(bytes) } catch {
            if let name = (error as? DecodingError)?.member { throw .badValue(name: name) }
            throw place(bytes) ?? .notAnObject
        }
    }

    private static func decode(_ bytes: some Sequence<UInt8>) throws -> [String: String] {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        return try decoder.decode([String: Value].self, from: Data(bytes)).mapValues(\.text)
    }

    /// The first line that cannot stand where it does: what is before it makes an object once a brace closes it. Nil where
    /// no line begins one, and where there are too many. The decoder tells no line.
    private static func place(_ bytes: [UInt8]) -> SettingsFileError? {
        func isObject(_ lines: some Collection<ArraySlice<UInt8>>, and more: [UInt8] = []) -> Bool {
            let text = Array(lines.joined(separator: [UInt8(ascii: "\n")])) + more
            return (try? decode(text)) != nil || (try? decode(text + Array("\n}".utf8))) != nil
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count <= searchedLines,
            let good = (1...lines.count).last(where: { isObject(lines.prefix($0)) })
        else { return nil }
        // After the last line there is the end of the file.
        guard good < lines.count else { return .badLine(good, lacksComma: true) }
        return .badLine(good + 1, lacksComma: isObject(lines.prefix(good), and: Array("\n,\n".utf8) + lines[good]))
    }

    private struct Value: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self.text = text
            } else if let flag = try? container.decode(Bool.self) {
                text = String(flag)
            } else if let number = try? container.decode(Int64.self) {
                text = String(number)
            } else {
                throw DecodingError.typeMismatch(
                    String.self, .init(codingPath: decoder.codingPath, debugDescription: "not one value"))
            }
        }
    }
}

extension DecodingError {
    /// The member of the object that it is about; nil where that is the object itself.
    fileprivate var member: String? {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            context.codingPath.first?.stringValue
        @unknown default: nil
        }
    }
}

/// Why a file is not one of settings.
enum SettingsFileError: Error, Equatable {
    /// What ends before this line, from 1, is as it should be.
    case badLine(Int, lacksComma: Bool)
    /// It has a value that no setting can have: a list, an object, a fraction, null.
    case badValue(name: String)
    case notAnObject

    /// The error in one sentence.
    func sentence(file path: String, _ table: SettingsTable) -> String {
        switch self {
        case .badLine(let line, lacksComma: true): "\(path), line \(line): expected , or } before it."
        case .badLine(let line, lacksComma: false):
            "\(path), line \(line): expected \"name\": value, with a comma before the next, or } at the end."
        case .badValue(let name):
            "\(name) in \(path): expected \(Self.expected(name, table)), as one string, whole number, true or false."
        case .notAnObject:
            "\(path) is not a settings file: expected one JSON object of strings, whole numbers, true and false."
        }
    }

    private static func expected(_ name: String, _ table: SettingsTable) -> String {
        table.settings.first { $0.name == name }?.expected ?? "a value"
    }
}

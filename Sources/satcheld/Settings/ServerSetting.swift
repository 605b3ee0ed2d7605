import Blobs
import HTTPTypes
import Store

/// One setting: the same as a flag, as an environment variable and in the settings file.
struct ServerSetting: Sendable {
    /// The name of the flag without its dashes, and of the member in the file.
    let name: String
    /// What stands for the value in help; nil for a flag that takes none.
    let placeholder: String?
    /// The default as an operator would write it; empty for none.
    let standard: String
    let help: String
    /// Stores a value in the settings; false if it cannot be parsed.
    let apply: @Sendable (String, inout ServerSettings) -> Bool

    /// A setting whose value is parsed by `parse` and stored at `path`.
    static func value<Value>(
        _ name: String, _ placeholder: String?, standard: String, _ help: String,
        parse: @escaping @Sendable (String) -> Value?,
        at path: any WritableKeyPath<ServerSettings, Value> & Sendable
    ) -> ServerSetting {
        ServerSetting(name: name, placeholder: placeholder, standard: standard, help: help) { text, settings in
            guard let value = parse(text) else { return false }
            settings[keyPath: path] = value
            return true
        }
    }

    var flag: String { "--\(name)" }

    var environmentName: String {
        SettingVariable.name(prefix: "SATCHELD_", setting: name)
    }

    /// Whether the flag takes no value.
    var isFlag: Bool { placeholder == nil }
}

/// Parsers of values as an operator writes them. Each returns nil for what it cannot parse.
enum SettingParser {
    /// Bytes: digits alone, or digits and `KiB`, `MiB`, `GiB` or `TiB`.
    static func bytes(_ text: String) -> Int64? { ByteQuantity.parse(text) }

    /// Bytes that a buffer can hold.
    static func bufferBytes(_ text: String) -> Int? { bytes(text).flatMap { Int(exactly: $0) } }

    static func lifetime(_ text: String) -> Lifetime? { Lifetime(text) }

    /// A length of time: digits alone for seconds, or digits and `s`, `m`, `h`, `d` or `w`; at least a second.
    static func duration(_ text: String) -> Duration? { Lifetime(text).map { .seconds($0.seconds) } }

    /// A whole number from 1.
    static func count(_ text: String) -> Int? {
        guard let count = Int(text), count >= 1 else { return nil }
        return count
    }

    /// At least 1 a second as `parse` takes it; `0` or `none` for any number.
    static func rate(
        _ parse: @escaping @Sendable (String) -> Int64?
    ) -> @Sendable (String) -> Int64?? {
        { text in text == "0" ? .some(nil) : unlimited(parse)(text) }
    }

    /// `true`, `yes`, `1`, or `false`, `no`, `0`; an empty text, as after a flag, is true.
    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "", "true", "yes", "1": true
        case "false", "no", "0": false
        default: nil
        }
    }

    static func any(_ text: String) -> String? { text }

    static func nonempty(_ text: String) -> String? { text.isEmpty ? nil : text }

    /// Texts with commas between them.
    static func list(_ text: String) -> [String]? {
        text.split(separator: ",").map { String($0.drop(while: { $0 == " " })) }.filter { !$0.isEmpty }
    }

    /// An empty text for nothing, or what `parse` takes.
    static func optional<Value>(
        _ parse: @escaping @Sendable (String) -> Value?
    ) -> @Sendable (String) -> Value?? {
        { text in text.isEmpty ? .some(nil) : parse(text).map { .some($0) } }
    }

    /// `none` for no limit, or at least 1.
    static func unlimited(
        _ parse: @escaping @Sendable (String) -> Int64?
    ) -> @Sendable (String) -> Int64?? {
        { text in
            if text == "none" { return .some(nil) }
            guard let number = parse(text), number >= 1 else { return nil }
            return .some(number)
        }
    }
}

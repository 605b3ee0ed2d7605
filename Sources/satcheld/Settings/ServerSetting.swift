import Blobs
import HTTPTypes
import Store

/// One setting: the same as a flag, as an environment variable and in the settings file.
struct ServerSetting: Sendable {
    /// The name of the flag without its dashes, and of the member in the file.
    let name: String
    /// What stands for the value in help.
    let placeholder: String
    /// The default as an operator would write it; empty for none.
    let standard: String
    let help: String
    /// What values there are, in words that follow "expected".
    let expected: String
    /// Whether its value may hold a password, so that nothing repeats it.
    let isSecret: Bool
    /// Stores a value in the settings; false if it cannot be parsed.
    let apply: @Sendable (String, inout ServerSettings) -> Bool

    /// A setting whose value is parsed by `parse` and stored at `path`. What is expected of it follows from `placeholder`
    /// where it is not said.
    static func value<Value>(
        _ name: String, _ placeholder: String, standard: String, _ help: String, expected: String? = nil,
        isSecret: Bool = false, parse: @escaping @Sendable (String) -> Value?,
        at path: any WritableKeyPath<ServerSettings, Value> & Sendable
    ) -> ServerSetting {
        ServerSetting(
            name: name, placeholder: placeholder, standard: standard, help: help,
            expected: expected ?? SettingWords.expected(placeholder), isSecret: isSecret
        ) { text, settings in
            guard let value = parse(text) else { return false }
            settings[keyPath: path] = value
            return true
        }
    }

    var flag: String { "--\(name)" }

    var environmentName: String {
        SettingVariable.name(prefix: "SATCHELD_", setting: name)
    }

    /// A value with the unit that it has where none is written: a number alone is one of seconds, where it is a time.
    func withUnit(_ text: String) -> String {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return placeholder.split(separator: "|").contains("TIME") && isNumber ? "\(text)s" : text
    }

    /// Whether it is either on or off, so that the flag alone means on.
    var isSwitch: Bool { placeholder == SettingWords.switchPlaceholder }
}

/// What a placeholder stands for.
enum SettingWords {
    static let switchPlaceholder = "true|false"

    private static let meanings = [
        "HOST:PORT": "HOST:PORT, such as 127.0.0.1:8080", "TIME": "a time from 1s to 36500d, such as 90s, 5m or 7d",
        "BYTES": "bytes, such as 500KiB or 2GiB", "COUNT": "a whole number from 1",
        "URL": "a URL, such as https://media.example",
        "URLS": "URLs, such as https://media.example, with commas between",
        "RANGES": "addresses or ranges, such as 10.0.0.0/8, with commas between",
        "PATHS": "paths with commas between", "FILE": "the path of a file", "FOLDER": "the path of a folder",
    ]

    /// `a, b or c`, each as it is, or what it stands for.
    static func expected(_ placeholder: String) -> String {
        var words = placeholder.split(separator: "|").map { meanings[String($0)] ?? String($0) }
        let last = words.removeLast()
        return words.isEmpty ? last : "\(words.joined(separator: ", ")) or \(last)"
    }
}

/// Parsers of values as an operator writes them. Each returns nil for what it cannot parse.
enum SettingParser {
    /// Bytes: digits alone, or digits and `KiB`, `MiB`, `GiB` or `TiB`.
    static func bytes(_ text: String) -> Int64? { ByteQuantity.parse(text) }

    /// At least so many bytes.
    static func bytes(from least: Int64) -> @Sendable (String) -> Int64? {
        { text in bytes(text).flatMap { $0 >= least ? $0 : nil } }
    }

    /// Bytes that a buffer can hold.
    static func bufferBytes(_ text: String) -> Int? { bytes(text).flatMap { Int(exactly: $0) } }

    /// At least so many of those.
    static func bufferBytes(from least: Int64) -> @Sendable (String) -> Int? {
        { text in bytes(from: least)(text).flatMap { Int(exactly: $0) } }
    }

    /// A length of time: digits alone for seconds, or digits and `s`, `m`, `h`, `d` or `w`; from a second to a century,
    /// so that moments can be reckoned with.
    static func lifetime(_ text: String) -> Lifetime? { Lifetime(text).flatMap { $0 <= .days(36_500) ? $0 : nil } }

    /// The same, for timers.
    static func duration(_ text: String) -> Duration? { lifetime(text).map { .seconds($0.seconds) } }

    /// A whole number from 1.
    static func count(_ text: String) -> Int? {
        guard let count = Int(text), count >= 1 else { return nil }
        return count
    }

    /// A number of threads: more would not start.
    static func threads(_ text: String) -> Int? { count(text).flatMap { $0 <= 1024 ? $0 : nil } }

    /// At least 1 a second as `parse` takes it; `0` or `none` for any number.
    static func rate(
        _ parse: @escaping @Sendable (String) -> Int64?
    ) -> @Sendable (String) -> Int64?? {
        { text in text == "0" ? .some(nil) : unlimited(parse)(text) }
    }

    /// `true`, `yes`, `on`, `1`, or `false`, `no`, `off`, `0`, in any case.
    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }

    static func any(_ text: String) -> String? { text }

    static func nonempty(_ text: String) -> String? { text.isEmpty ? nil : text }

    /// Texts with commas between them; none only where nothing is written.
    static func list(_ text: String) -> [String]? {
        let texts = text.split(separator: ",").map { String($0.drop(while: { $0 == " " })) }.filter { !$0.isEmpty }
        return texts.isEmpty && !text.isEmpty ? nil : texts
    }

    /// An empty text for nothing, or what `parse` takes.
    static func optional<Value>(
        _ parse: @escaping @Sendable (String) -> Value?
    ) -> @Sendable (String) -> Value?? {
        { text in text.isEmpty ? .some(nil) : parse(text).map { .some($0) } }
    }

    /// `none` for no limit, or a whole number from 1.
    static func unlimitedCount(_ text: String) -> Int?? {
        text == "none" ? .some(nil) : count(text).map { .some($0) }
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

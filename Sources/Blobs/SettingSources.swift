/// Where the value of a setting comes from, strongest first.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    case flag
    case environment
    case file(path: String)
    case standard

    package var description: String {
        switch self {
        case .flag: "flag"
        case .environment: "environment"
        case .file(let path): path
        case .standard: "default"
        }
    }
}

/// The settings that were set, with their text and where it comes from: flags override the environment, the
/// environment overrides the file.
package struct SettingSources<Key: Hashable & Sendable>: Sendable {
    private let levels: [(origin: SettingOrigin, values: [Key: String])]

    package init(flags: [Key: String], variables: [Key: String], file: (path: String, values: [Key: String])?) {
        var levels: [(SettingOrigin, [Key: String])] = [(.flag, flags), (.environment, variables)]
        if let file { levels.append((.file(path: file.path), file.values)) }
        self.levels = levels
    }

    /// The strongest value of a setting; nil if it is not set.
    package func value(of key: Key) -> (text: String, origin: SettingOrigin)? {
        value(ofFirst: [key]).map { ($0.text, $0.origin) }
    }

    /// The strongest value of several settings that are alternatives. At the same level, the first one wins.
    package func value(ofFirst keys: [Key]) -> (key: Key, text: String, origin: SettingOrigin)? {
        for level in levels {
            for key in keys {
                if let text = level.values[key] { return (key, text, level.origin) }
            }
        }
        return nil
    }
}

/// How settings are named in the environment.
package enum SettingVariable {
    /// The variable of the flag `--name`: capitals, and underscores for dashes.
    package static func name(prefix: String, setting name: String) -> String {
        prefix + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }
}

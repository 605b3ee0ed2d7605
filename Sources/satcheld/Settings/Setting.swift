import BlobHTTP

/// One thing that an operator can choose: the same by flag, by environment and by file.
struct Setting: Sendable {
    /// The name of the flag without its dashes, and of the member in the file.
    let name: String
    /// What stands for the value in help; nil for a flag that needs none.
    let placeholder: String?
    /// The default as one would write it; empty for none.
    let standard: String
    let help: String
    /// Puts a value where it belongs; false if it cannot be read.
    let apply: @Sendable (String, inout ServerSettings) -> Bool

    init(
        _ name: String, _ placeholder: String?, standard: String, _ help: String,
        apply: @escaping @Sendable (String, inout ServerSettings) -> Bool
    ) {
        self.name = name
        self.placeholder = placeholder
        self.standard = standard
        self.help = help
        self.apply = apply
    }

    /// A setting whose value is read by `parse` and stored at `path`.
    static func value<Value>(
        _ name: String, _ placeholder: String?, standard: String, _ help: String,
        parse: @escaping @Sendable (String) -> Value?,
        at path: any WritableKeyPath<ServerSettings, Value> & Sendable
    ) -> Setting {
        Setting(name, placeholder, standard: standard, help) { text, settings in
            guard let value = parse(text) else { return false }
            settings[keyPath: path] = value
            return true
        }
    }

    var flag: String { "--\(name)" }

    var environmentName: String {
        "SATCHELD_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// Whether the flag stands alone.
    var isFlag: Bool { placeholder == nil }
}

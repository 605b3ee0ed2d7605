/// The flags of a command line that name settings, each once and each known.
struct FlagList {
    /// As swift-configuration reads them: a program's name, then `--name=value` or, for a flag alone, `--name`.
    let normalized: [String]

    /// Takes `--name value`, `--name=value` and flags that stand alone; throws a sentence for anything else.
    init(_ arguments: [String]) throws(SettingsError) {
        var normalized = ["satcheld"]
        var seen: Set<String> = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let setting = SettingsTable.all.first(where: { $0.flag == parts[0] }) else {
                throw SettingsError(description: "unknown argument \(argument); see satcheld serve --help.")
            }
            guard seen.insert(setting.name).inserted else {
                throw SettingsError(description: "\(setting.flag) is given twice.")
            }
            if parts.count == 2 {
                normalized.append(argument)
            } else if setting.isFlag {
                normalized.append("\(setting.flag)=true")
            } else if let value = rest.popFirst() {
                normalized.append("\(setting.flag)=\(value)")
            } else {
                throw SettingsError(description: "\(setting.flag) needs a value: \(setting.placeholder ?? "").")
            }
        }
        self.normalized = normalized
    }
}

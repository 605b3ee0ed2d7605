package import Blobs
import Files

extension SettingSources where Key == SettingKey {
    package init(flags: [SettingKey: String], environment: (String) -> String?, file: ConfigurationFile) {
        var variables: [SettingKey: String] = [:]
        for setting in SettingKey.allCases {
            // Shells cannot tell an empty variable from one that is not set.
            if let value = environment(setting.variable), !value.isEmpty { variables[setting] = value }
        }
        self.init(flags: flags, variables: variables, file: (file.path, file.values))
    }
}

/// The configuration file: lines of `name = value`; empty lines and lines that begin with `#` are ignored.
///
/// Names are those of the flags. Each may appear once; an unknown name is an error, so that typos are noticed.
package struct ConfigurationFile: Sendable {
    package let path: String
    package let values: [SettingKey: String]

    /// The most bytes in a configuration file.
    static let limitBytes: Int64 = 64 * 1024

    /// A missing file: nothing is set.
    package init(absentAt path: String) {
        self.path = path
        values = [:]
    }

    package init(parsing text: String, path: String) throws(SettingError) {
        var values: [SettingKey: String] = [:]
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let content = line.trimmingBlanks()
            if content.isEmpty || content.hasPrefix("#") { continue }
            let (setting, value) = try Self.entry(content, line: index + 1, path: path)
            guard values.updateValue(value, forKey: setting) == nil else {
                throw SettingError(file: path, "line \(index + 1): \(setting.rawValue) is set twice")
            }
        }
        self.path = path
        self.values = values
    }

    /// Reads the file at `path`, which may be missing. Only its owner may be able to write it, since it says which server
    /// gets ticket and files; and to read it, if it contains a ticket.
    package static func read(_ path: String) throws(SettingError) -> ConfigurationFile {
        let text: String?
        let status: FileStatus
        do throws(FileError) {
            guard try Folder.status(path, followsLinks: true) != nil else { return ConfigurationFile(absentAt: path) }
            let file = try OpenFile(path, .read)
            status = try file.status()
            text = try file.text(limitBytes: Self.limitBytes)
        } catch {
            throw SettingError(file: path, error.description)
        }
        if let exposure = status.exposure(isSecret: false) { throw SettingError(file: path, "\(exposure) \(path)") }
        guard let text else { throw SettingError(file: path, "must be UTF-8 text of at most \(limitBytes) bytes") }
        let file = try ConfigurationFile(parsing: text, path: path)
        guard file.values[.ticket] == nil || status.permissions & 0o077 == 0 else {
            throw SettingError(file: path, "contains a ticket and is readable by other users; run: chmod 600 \(path)")
        }
        return file
    }

    private static func entry(
        _ content: Substring, line: Int, path: String
    ) throws(SettingError) -> (SettingKey, String) {
        guard let equals = content.firstIndex(of: "=") else {
            throw SettingError(file: path, "line \(line): expected name = value")
        }
        let name = content[..<equals].trimmingBlanks()
        guard let setting = SettingKey(rawValue: String(name)) else {
            throw SettingError(file: path, "line \(line): unknown setting \(name)")
        }
        let value = content[content.index(after: equals)...].trimmingBlanks()
        guard !value.isEmpty else { throw SettingError(file: path, "line \(line): \(name) has no value") }
        return (setting, String(value))
    }
}

extension Substring {
    /// Without spaces, tabs and carriage returns at both ends.
    func trimmingBlanks() -> Substring {
        let isBlank = { (character: Character) in character == " " || character == "\t" || character == "\r" }
        var rest = drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }
}

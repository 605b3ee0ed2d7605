import Files

/// The configuration file: lines of `name = value`; empty lines and lines that begin with `#` say nothing.
///
/// Names are those of the flags. Each stands at most once; an unknown one is an error, so that a slip is not silence.
package struct ConfigurationFile: Sendable {
    package let path: String
    package let values: [Setting: String]

    /// The largest file that is read, in bytes.
    static let limitBytes: Int64 = 64 * 1024

    /// No file: nothing is set.
    package init(absentAt path: String) {
        self.path = path
        values = [:]
    }

    package init(parsing text: String, path: String) throws(SettingError) {
        var values: [Setting: String] = [:]
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

    /// Reads the file at `path`, which may be missing. One that holds a ticket must be its owner's alone.
    package static func read(_ path: String) throws(SettingError) -> ConfigurationFile {
        let text: String?
        let isPrivate: Bool
        do throws(FileError) {
            guard try Folder.status(path, followsLinks: true) != nil else { return ConfigurationFile(absentAt: path) }
            let file = try OpenFile(path, .read)
            isPrivate = try file.status().permissions & 0o077 == 0
            text = try file.text(limitBytes: Self.limitBytes)
        } catch {
            throw SettingError(file: path, error.description)
        }
        guard let text else { throw SettingError(file: path, "is longer than \(limitBytes) bytes, or not UTF-8") }
        let file = try ConfigurationFile(parsing: text, path: path)
        guard file.values[.ticket] == nil || isPrivate else {
            throw SettingError(file: path, "holds a ticket and can be read by others; chmod 600 it")
        }
        return file
    }

    private static func entry(
        _ content: Substring, line: Int, path: String
    ) throws(SettingError) -> (Setting, String) {
        guard let equals = content.firstIndex(of: "=") else {
            throw SettingError(file: path, "line \(line): expected name = value")
        }
        let name = content[..<equals].trimmingBlanks()
        guard let setting = Setting(rawValue: String(name)) else {
            throw SettingError(file: path, "line \(line): there is no setting named \(name)")
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

import Blobs

/// A settings file that shows what there is to set.
enum SettingsTemplate {
    /// Each setting under what it means: a member where it is set, a comment with its default where it is not.
    static func text(_ found: [SettingsLoader.Found], of table: SettingsTable) throws -> String {
        let members = try found.map { item in
            // What is hidden could not be used.
            let mark = item.origin == .standard || item.setting.isSecret ? "// " : ""
            let (name, value) = (
                try JSONReport.text(item.setting.name),
                try JSONReport.text(item.setting.isSecret ? item.shown : item.text)
            )
            return "    // \(item.setting.help) [\(item.setting.placeholder)]\n    \(mark)\(name): \(value),\n"
        }
        return """
            // Settings of satcheld \(table.command). A setting is a comment that shows its default until the two slashes
            // before its name are taken away. Environment variables override what is set here, and flags override both.
            // `satcheld \(table.command) --help` says how times and sizes are written.
            {
            \(members.joined(separator: "\n"))}
            """
    }
}

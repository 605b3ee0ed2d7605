import Blobs
package import Files

/// Where satchel keeps its state: the outbox, the sent log, waiting receipts, the person's secret, partial downloads,
/// and spool files while a command runs.
///
/// By the XDG Base Directory Specification: `$XDG_STATE_HOME/satchel`, by default `~/.local/state/satchel`, 0700.
package struct StateFolder: Sendable {
    package let path: String
    /// False where there is no place for it: then only files without a name are made, for as long as a command runs.
    let isKept: Bool

    package init(path: String) {
        self.path = path
        isKept = true
    }

    /// Nil if neither XDG_STATE_HOME nor HOME is an absolute path.
    package init?(environment: (String) -> String?) {
        guard let path = xdgFolder("XDG_STATE_HOME", below: ".local/state", environment) else { return nil }
        self.init(path: path)
    }

    /// For a command that keeps nothing: its spool files are in `temporaryFolder`.
    package init(temporaryFolder: String) {
        path = temporaryFolder
        isKept = false
    }

    package var sentLog: SentLog { SentLog(path: "\(path)/sent.jsonl") }
    package var outbox: Outbox { Outbox(folder: "\(path)/outbox") }
    package var partialDownloads: PartialDownloads { PartialDownloads(folder: "\(path)/partial") }
    package var receipts: ReceiptQueue { ReceiptQueue(folder: "\(path)/receipts") }
    package var person: PersonSecret { PersonSecret(path: "\(path)/person") }
    private var spool: String { "\(path)/spool" }

    /// Removes named spool files that a killed program left behind.
    func sweepSpool(now: Timestamp) throws(FileError) {
        guard try Folder.status(spool) != nil else { return }
        for name in try Folder.names(in: spool) {
            guard let status = try Folder.status("\(spool)/\(name)") else { continue }
            let age = now.secondsSince(Timestamp(seconds: status.modifiedSeconds))
            if age > Self.spoolSeconds { try Folder.remove("\(spool)/\(name)") }
        }
    }

    /// No running program leaves a spool file untouched for so long.
    private static let spoolSeconds: Int64 = 86_400

    /// A temporary file of this command, gone when it ends.
    package func spoolFile() throws(FileError) -> TemporaryFile {
        guard isKept else { return try TemporaryFile(in: path) }
        try make()
        try Folder.make(spool)
        return try TemporaryFile(in: spool)
    }

    func make() throws(FileError) { try Folder.makeAll(path) }
}

/// The configuration file: `$XDG_CONFIG_HOME/satchel/config`, by default `~/.config/satchel/config`.
package func configurationPath(environment: (String) -> String?) -> String? {
    xdgFolder("XDG_CONFIG_HOME", below: ".config", environment).map { "\($0)/config" }
}

/// The specification wants relative paths in these variables ignored.
private func xdgFolder(_ variable: String, below home: String, _ environment: (String) -> String?) -> String? {
    if let path = environment(variable), path.hasPrefix("/") { return "\(path)/satchel" }
    guard let path = environment("HOME"), path.hasPrefix("/") else { return nil }
    return "\(path)/\(home)/satchel"
}

/// The folder that holds, or will hold, what is at `path`.
func parentFolder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

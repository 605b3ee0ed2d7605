import Blobs
package import Files

/// Where satchel keeps what it must remember: the outbox, the sent log, the receipts that wait, the person's secret,
/// downloads that have come in part, and for as long as a journey lasts its spool files.
///
/// By the XDG Base Directory Specification: `$XDG_STATE_HOME/satchel`, by default `~/.local/state/satchel`, 0700.
package struct StateFolder: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Nil where neither XDG_STATE_HOME nor HOME is set to an absolute path.
    package init?(environment: (String) -> String?) {
        guard let path = xdgFolder("XDG_STATE_HOME", below: ".local/state", environment) else { return nil }
        self.path = path
    }

    package var sentLog: SentLog { SentLog(path: "\(path)/sent.jsonl") }
    package var outbox: Outbox { Outbox(folder: "\(path)/outbox") }
    package var partialDownloads: PartialDownloads { PartialDownloads(folder: "\(path)/partial") }
    package var receipts: ReceiptQueue { ReceiptQueue(folder: "\(path)/receipts") }
    package var person: PersonSecret { PersonSecret(path: "\(path)/person") }
    private var spool: String { "\(path)/spool" }

    /// Removes spool files with names that a killed program has left, where the file system has none without.
    func sweepSpool(now: Timestamp) throws(FileError) {
        guard try Folder.status(spool) != nil else { return }
        for name in try Folder.names(in: spool) {
            guard let status = try Folder.status("\(spool)/\(name)") else { continue }
            let age = now.secondsSince(Timestamp(seconds: status.modifiedSeconds))
            if age > Self.spoolSeconds { try Folder.remove("\(spool)/\(name)") }
        }
    }

    /// No program goes without a byte for so long.
    private static let spoolSeconds: Int64 = 86_400

    /// A file of this journey's own, gone when it ends.
    package func spoolFile() throws(FileError) -> TemporaryFile {
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

/// Relative paths in these variables are to be ignored, says the specification.
private func xdgFolder(_ variable: String, below home: String, _ environment: (String) -> String?) -> String? {
    if let path = environment(variable), path.hasPrefix("/") { return "\(path)/satchel" }
    guard let path = environment("HOME"), path.hasPrefix("/") else { return nil }
    return "\(path)/\(home)/satchel"
}

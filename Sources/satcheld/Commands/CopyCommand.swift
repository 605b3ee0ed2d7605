import ArgumentParser
import Blobs
import Files
import Logging
import SharedStore
import Store
import StoreParts
import StoreRules
import Vault

/// `satcheld copy`: moves a store from a disk to shared engines, or back, while it is served.
struct CopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy", abstract: "Copies a store into another one, while it is served.",
        discussion: """
            --from and --to name stores: the folder of a store on a disk, or the settings file of a server, which may be a \
            node of a shared store. The new store is served by nobody until the end.

            Copies everything, then again what has changed, until little does: run it as often as you like. To move over, \
            stop the servers of the old store, run it once more with --last, and start those of the new one. With --last \
            nothing may serve the old store. Uploads that are not finished stay behind: their clients begin anew.

            Exits with 0 once both are the same, with 1 where they are not yet, or where blobs are damaged.

            The environment's SATCHELD_ variables do not matter here, except for the keys of an object store.
            """)

    @Option(help: ArgumentHelp("The store that is copied.", valueName: "folder|file")) var from: String
    @Option(help: ArgumentHelp("The store that it is copied into; made if missing.", valueName: "folder|file"))
    var to: String
    @Flag(help: "Nobody serves the old store any more: the last round.") var last = false
    @Flag(help: "Print the report of each round as JSON, one line for each.") var json = false

    /// The most rounds beside a server that goes on.
    private static let roundLimit = 8

    func run() async throws {
        let (source, sink) = (try settings(from, "--from"), try settings(to, "--to"))
        var logger = Logger(label: "satcheld") { _ in LogLines(level: .warning) }
        logger.logLevel = .warning
        let end: CopyReport
        do throws(StoreFailure) { end = try await copy(source, to: sink, logger: logger) } catch {
            throw ExitStatus.failure(error.description, error.status)
        }
        if end.damaged > 0 || !(last || end.isSame) { throw ExitStatus.problemsFound.code }
    }

    /// Copies one store into the other; returns the last report.
    private func copy(
        _ source: ServerSettings, to sink: ServerSettings, logger: Logger
    ) async throws(StoreFailure) -> CopyReport {
        switch (source.isShared, sink.isShared) {
        case (false, true):
            return try await withRecords(source) { records async throws(StoreFailure) in
                try await SharedNode.withTemporaryNode(sink, mayCreate: true, logger: logger) {
                    sink async throws(StoreFailure) in
                    try await rounds(StoreCopy(from: records, to: sink) { sink.now() })
                }
            }
        case (true, false):
            return try await SharedNode.withTemporaryNode(source, logger: logger) { source async throws(StoreFailure) in
                try await withVault(sink, logger: logger) { vault async throws(StoreFailure) in
                    try await rounds(StoreCopy(from: source, to: vault) { vault.now() })
                }
            }
        case (true, true):
            return try await SharedNode.withTemporaryNode(source, logger: logger) { source async throws(StoreFailure) in
                try await SharedNode.withTemporaryNode(sink, mayCreate: true, logger: logger) {
                    sink async throws(StoreFailure) in
                    try await rounds(StoreCopy(from: source, to: sink) { sink.now() })
                }
            }
        case (false, false):
            throw StoreFailure(
                "both stores are on a disk: copy the folder instead (docs/operations.md, Backup)", .usage)
        }
    }

    /// Rounds until one finds that both are the same, or many have not; returns the last report.
    private func rounds<Source: RecordSource, Sink: RecordSink>(
        _ copy: StoreCopy<Source, Sink>
    ) async throws(StoreFailure) -> CopyReport {
        var report = CopyReport()
        for number in 1...Self.roundLimit {
            do throws(StoreError) {
                report = try await copy.round(isLast: last) { Self.showProgress($0, round: number) }
            } catch {
                throw StoreFailure(error)
            }
            if StandardError.isTerminal { StandardError.writeProgress("") }
            StandardOutput.write(
                json ? (try? JSONReport.text(report)) ?? "" : Self.text(report, round: number, isLast: last))
            if last || report.isSame { break }
        }
        return report
    }

    @Sendable private static func showProgress(_ report: CopyReport, round: Int) {
        guard StandardError.isTerminal else { return }
        StandardError.writeProgress(
            "round \(round): \(report.blobs) blobs, \(ByteCount.text(report.bytesCopied)) copied")
    }

    static func text(_ report: CopyReport, round: Int, isLast: Bool) -> String {
        let name = isLast ? "last round" : "round \(round)"
        if report.isSame { return "\(name): \(report.blobs) blobs, both stores are the same" }
        var text = "\(name): \(report.blobs) blobs, \(report.blobsChanged) of them changed"
        text += ", \(ByteCount.text(report.bytesCopied)) copied"
        if report.blobsDropped > 0 { text += ", \(report.blobsDropped) dropped" }
        if report.damaged > 0 { text += ", \(report.damaged) damaged" }
        return text
    }

    // MARK: Stores

    /// The settings of a server, or those of one with this folder and no others.
    private func settings(_ path: String, _ flag: String) throws -> ServerSettings {
        do {
            let isFolder = try Folder.status(path).map { $0.kind == .folder } ?? !path.contains(".json")
            let loader = try SettingsLoader(
                arguments: isFolder ? ["--storage", path] : [], environment: [:], configPath: isFolder ? nil : path)
            let settings = try loader.settings()
            if let refusal = settings.storageRefusal { throw SettingsError(refusal) }
            return settings
        } catch let error as SettingsError {
            throw ExitStatus.failure("\(flag): \(error)", .configuration)
        } catch let error as FileError {
            throw ExitStatus.failure("\(flag): \(error)", .inputOutput)
        }
    }

    private func withRecords<Value: Sendable>(
        _ settings: ServerSettings, _ body: (VaultRecords) async throws(StoreFailure) -> Value
    ) async throws(StoreFailure) -> Value {
        let records: VaultRecords
        do throws(VaultError) { records = try VaultRecords.open(at: settings.storagePath) } catch {
            throw StoreFailure(error)
        }
        return try await StoreFailure.closing(records.close) {
            () async throws(StoreFailure) in try await body(records)
        }
    }

    private func withVault<Value: Sendable>(
        _ settings: ServerSettings, logger: Logger, _ body: (Vault) async throws(StoreFailure) -> Value
    ) async throws(StoreFailure) -> Value {
        let vault: Vault
        do throws(VaultError) {
            vault = try await Vault.open(at: settings.storagePath, settings: settings.vault, logger: logger)
        } catch {
            throw StoreFailure(error)
        }
        return try await StoreFailure.closing(vault.close) { () async throws(StoreFailure) in try await body(vault) }
    }
}

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
        do {
            switch (source.isShared, sink.isShared) {
            case (false, true):
                let records = try openRecords(source)
                try await SharedNode.withTemporaryNode(sink, logger: logger) { sink async throws(StoreError) in
                    try await copy(StoreCopy(from: records, to: sink) { sink.now() })
                }
                await records.close()
            case (true, false):
                let vault = try await openVault(sink, logger: logger)
                try await SharedNode.withTemporaryNode(source, logger: logger) { source async throws(StoreError) in
                    try await copy(StoreCopy(from: source, to: vault) { vault.now() })
                }
                await vault.close()
            case (true, true):
                try await SharedNode.withTemporaryNode(source, logger: logger) { source async throws(StoreError) in
                    do throws(StoreFailure) {
                        try await SharedNode.withTemporaryNode(sink, logger: logger) {
                            sink async throws(StoreError) in
                            try await copy(StoreCopy(from: source, to: sink) { sink.now() })
                        }
                    } catch {
                        throw .io(error.description)
                    }
                }
            case (false, false):
                throw StoreFailure(
                    "both stores are on a disk: copy the folder instead (docs/operations.md, Backup)", .usage)
            }
        } catch let failure as StoreFailure {
            throw ExitStatus.failure(failure.description, failure.status)
        }
    }

    /// Rounds until one finds that both are the same, or many have not.
    private func copy<Source: RecordSource, Sink: RecordSink>(
        _ copy: StoreCopy<Source, Sink>
    ) async throws(StoreError) {
        for number in 1...Self.roundLimit {
            let report = try await copy.round(isLast: last) { Self.showProgress($0, round: number) }
            if StandardError.isTerminal { StandardError.writeProgress("") }
            StandardOutput.write(
                json ? (try? JSONReport.text(report)) ?? "" : Self.text(report, round: number, isLast: last))
            if last || report.isSame { return }
        }
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

    private func openRecords(_ settings: ServerSettings) throws(StoreFailure) -> VaultRecords {
        do throws(VaultError) { return try VaultRecords.open(at: settings.storagePath) } catch {
            throw StoreFailure(error)
        }
    }

    private func openVault(_ settings: ServerSettings, logger: Logger) async throws(StoreFailure) -> Vault {
        do throws(VaultError) {
            return try await Vault.open(at: settings.storagePath, settings: settings.vault, logger: logger)
        } catch {
            throw StoreFailure(error)
        }
    }
}

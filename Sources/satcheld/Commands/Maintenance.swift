import ArgumentParser
import DiskStore
import Files
import FoundationEssentials
import Logging
import Store
import Vault

/// Runs a command on a store: in this process if no server owns the store, else in the server.
enum Maintenance {
    /// Performs `request` and returns the report at `report` in its reply.
    static func run<Report>(
        _ settings: ServerSettings, _ request: ControlRequest, _ report: KeyPath<ControlReply, Report?>
    ) async throws -> Report {
        if let refusal = settings.storageRefusal {
            throw ExitStatus.failure(refusal, .configuration)
        }
        var logger = Logger(label: "satcheld") { _ in LogLines(level: .warning) }
        logger.logLevel = max(settings.logLevel, .warning)
        let reply =
            settings.isShared
            ? try await performOnNode(request, settings, logger: logger)
            : try await performOnDisk(request, settings, logger: logger)
        endProgress()
        if let report = reply[keyPath: report] { return report }
        throw ExitStatus.failure("the server failed: \(reply.error ?? "it sent no report")", .inputOutput)
    }

    /// Performs the request in this process, which is one more node meanwhile.
    private static func performOnNode(
        _ request: ControlRequest, _ settings: ServerSettings, logger: Logger
    ) async throws -> ControlReply {
        do {
            return try await SharedNode.withTemporaryNode(settings, logger: logger) {
                store async throws(StoreFailure) in
                do throws(StoreError) { return try await request.perform(on: store, progress: showProgress) } catch {
                    throw StoreFailure(error)
                }
            }
        } catch {
            throw ExitStatus.failure(error.description, error.status)
        }
    }

    /// Performs the request in this process, or where a server owns the store, there.
    private static func performOnDisk(
        _ request: ControlRequest, _ settings: ServerSettings, logger: Logger
    ) async throws -> ControlReply {
        try requireStore(DiskLayout(root: settings.storagePath))
        do {
            let store = try await Vault.open(at: settings.storagePath, settings: settings.vault, logger: logger)
            return try await perform(request, on: store)
        } catch VaultError.locked {
            return try await ask(request, at: settings.controlSocket)
        } catch let error as VaultError {
            throw ExitStatus.failure(error.description, .inputOutput)
        }
    }

    /// A maintenance command never creates a store.
    private static func requireStore(_ layout: DiskLayout) throws {
        do {
            let isThere = try [layout.identity, layout.catalog].contains { path throws(FileError) in
                try Folder.status(path) != nil
            }
            if isThere { return }
        } catch let error as FileError {
            throw ExitStatus.failure(StoreAdvice.unreadable(error), .inputOutput)
        }
        throw ExitStatus.failure(StoreAdvice.missing(in: layout.root), .configuration)
    }

    /// Performs the request in this process, and closes the store.
    private static func perform(
        _ request: ControlRequest, on store: any BlobStore & Upkeep
    ) async throws -> ControlReply {
        var request = request
        request.collect?.isAlone = true
        do throws(StoreError) {
            let reply = try await request.perform(on: store, progress: showProgress)
            await store.close()
            return reply
        } catch {
            await store.close()
            throw ExitStatus.failure(error.description, .inputOutput)
        }
    }

    private static func ask(_ request: ControlRequest, at socket: String) async throws -> ControlReply {
        do {
            return try await ControlClient.ask(request, at: socket, progress: showProgress)
        } catch {
            throw ExitStatus.failure(
                "another process owns this store and does not answer at \(socket): \(error)", .temporary)
        }
    }

    /// Shows how far a check is, on a terminal.
    @Sendable private static func showProgress(_ progress: CheckProgress) {
        guard StandardError.isTerminal else { return }
        StandardError.writeProgress("checked \(progress.blobs) blobs, \(ByteCount.text(progress.bytes))")
    }

    /// Clears the line of progress.
    private static func endProgress() {
        if StandardError.isTerminal { StandardError.writeProgress("") }
    }
}

/// Bytes as a person reads them.
enum ByteCount {
    /// In the largest binary unit of which there is at least one, with one decimal place.
    static func text(_ bytes: Int64) -> String {
        for (index, unit) in ["TiB", "GiB", "MiB", "KiB"].enumerated() {
            let size = Int64(1) << (10 * (4 - Int64(index)))
            if bytes >= size { return "\(bytes / size).\(bytes % size * 10 / size) \(unit)" }
        }
        return "\(bytes) B"
    }
}

/// A report as JSON.
enum JSONReport {
    static func text(_ report: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }
}

/// What the help of every maintenance command says.
enum MaintenanceHelp {
    static let text =
        "If a server owns the store, it does the work; otherwise this process does. Takes the settings of serve, such "
        + "as --storage."
}

import ArgumentParser
import DiskStore
import Files
import Logging
import Store
import Vault

/// Collecting and checking from a command: by itself where no server runs on the store, else by asking the server.
enum Maintenance {
    /// Runs `alone` on a store that this process opens, or `request` by the process that owns it.
    static func run<Report>(
        _ settings: ServerSettings, _ request: ControlRequest,
        alone: (any Upkeep) async throws -> Report, reported: (ControlReply) -> Report?
    ) async throws -> Report {
        let layout = DiskLayout(root: settings.storagePath)
        try requireStore(layout)
        var logger = Logger(label: "satcheld") { _ in LogLines(level: .warning) }
        logger.logLevel = max(settings.logLevel, .warning)
        do {
            let vault = try await Vault.open(at: settings.storagePath, settings: settings.vault, logger: logger)
            return try await closing(vault) { try await alone(vault) }
        } catch VaultError.locked {
            return try await ask(request, at: layout.controlSocket, reported: reported)
        } catch let error as VaultError {
            throw ExitStatus.failure(error.description, ExitStatus.inputOutput)
        }
    }

    /// A command that looks after a store makes none where there is none.
    private static func requireStore(_ layout: DiskLayout) throws {
        do {
            let isThere = try [layout.identity, layout.catalog].contains { path throws(FileError) in
                try Folder.status(path) != nil
            }
            if isThere { return }
        } catch let error as FileError {
            throw ExitStatus.failure(error.description, ExitStatus.inputOutput)
        }
        throw ExitStatus.failure("\(layout.root) holds no store; see --storage.", ExitStatus.configuration)
    }

    private static func closing<Report>(_ store: any Upkeep, _ body: () async throws -> Report) async throws -> Report {
        do {
            let report = try await body()
            await store.close()
            return report
        } catch {
            await store.close()
            throw ExitStatus.failure("\(error)", ExitStatus.inputOutput)
        }
    }

    private static func ask<Report>(
        _ request: ControlRequest, at socket: String, reported: (ControlReply) -> Report?
    ) async throws -> Report {
        let reply: ControlReply
        do {
            reply = try await ControlClient.ask(request, at: socket, progress: showProgress)
        } catch {
            throw ExitStatus.failure(
                "another process owns this store and does not answer at \(socket): \(error)", ExitStatus.temporary)
        }
        if let report = reported(reply) { return report }
        throw ExitStatus.failure(
            "the server could not do it: \(reply.error ?? "it gave no report")", ExitStatus.inputOutput)
    }

    /// How far a check is, on a terminal.
    @Sendable static func showProgress(_ progress: CheckProgress) {
        guard StandardError.isTerminal else { return }
        StandardError.writeProgress("checked \(progress.blobs) blobs, \(ByteCount.text(progress.bytes))")
    }

    /// Leaves the line of progress behind.
    static func endProgress() {
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

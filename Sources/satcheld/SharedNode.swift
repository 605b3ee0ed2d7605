import Blobs
import CacheFolder
import FoundationEssentials
import Glibc
import Logging
import Objects
import SharedCatalog
import SharedStore
import Store
import StoreParts
import Telemetry
import Vault

/// The composition of a node of a shared store: a catalog in PostgreSQL, bytes in an object store, a folder beside it.
enum SharedNode {
    /// Opens a node whose cache is in `cachePath`.
    ///
    /// - Parameter mayCreate: whether a store is made where there is none.
    static func open(
        _ settings: ServerSettings, cachePath: String, mayCreate: Bool = true, meters: Meters, logger: Logger
    ) async throws(StoreFailure) -> SharedStore {
        guard let connection = settings.shared.database, let address = settings.shared.objects else {
            preconditionFailure("a node of a shared store has a database and an object store")
        }
        let keys = try keys(settings)
        let clock = SystemClock()
        var s3 = S3Settings()
        s3.observe = { [node = meters.node] report in
            node?.count(
                report.operation, outcome: report.outcome.rawValue, attempts: report.attempts, time: report.duration)
        }
        let objects = S3Objects(address, keys: keys, settings: s3, wall: { clock.wall }, logger: logger)
        var database = DatabaseSettings(connection)
        database.lanes = settings.shared.lanes
        database.schema = settings.shared.schema
        database.mayCreate = mayCreate
        var node = settings.shared.node
        node.store = settings.vault.store
        node.keepFreeBytes = settings.vault.keepFreeBytes
        if node.nodeName.isEmpty { node.nodeName = hostName() }
        let place = SharedStorePlace(database: database, objects: objects, cacheFolder: cachePath)
        do throws(SharedStoreError) {
            return try await SharedStore.open(place, settings: node, clock: clock, meters: meters, logger: logger)
        } catch {
            throw StoreFailure(error)
        }
    }

    private static func keys(_ settings: ServerSettings) throws(StoreFailure) -> AccessKeys {
        if let keys = settings.shared.accessKeys { return keys }
        do throws(SettingsError) { return try ObjectKeyring.keys(settings) } catch {
            throw StoreFailure(error.description, .configuration)
        }
    }

    /// What a node counts.
    static func meters() -> NodeMeters {
        NodeMeters(operations: S3Report.operations, outcomes: S3Outcome.allCases.map(\.rawValue))
    }

    /// Opens a node for one command, lets `body` use it, and takes it away again, with its folder.
    static func withTemporaryNode<Value: Sendable>(
        _ settings: ServerSettings, mayCreate: Bool = false, logger: Logger,
        _ body: (SharedStore) async throws(StoreFailure) -> Value
    ) async throws(StoreFailure) -> Value {
        let folder = FileManager.default.temporaryDirectory.appending(path: "satcheld-\(UInt64.random(in: 0 ... .max))")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try await open(
            settings, cachePath: folder.path, mayCreate: mayCreate, meters: Meters(), logger: logger)
        return try await StoreFailure.closing(store.close) { () async throws(StoreFailure) in try await body(store) }
    }

    private static func hostName() -> String {
        let name = ProcessInfo.processInfo.hostName.prefix(64)
        return SettingsTable.isToken(String(name)) ? String(name) : "node"
    }
}

/// Why a store could not be opened or used, and how a command ends that needed it.
struct StoreFailure: Error, CustomStringConvertible {
    let description: String
    let status: ExitStatus

    init(_ description: String, _ status: ExitStatus) {
        self.description = description
        self.status = status
    }

    /// Runs `body` and then `close`, whatever came of it.
    static func closing<Value: Sendable>(
        _ close: () async -> Void, after body: () async throws(StoreFailure) -> Value
    ) async throws(StoreFailure) -> Value {
        do throws(StoreFailure) {
            let value = try await body()
            await close()
            return value
        } catch {
            await close()
            throw error
        }
    }

    init(_ error: StoreError) {
        description = error.description
        status = if case .unavailable = error { .temporary } else { .inputOutput }
    }

    init(_ error: VaultError) {
        description = error.description
        status = if case .locked = error { .temporary } else { .inputOutput }
    }

    init(_ error: SharedStoreError) {
        description = error.description
        status =
            switch error {
            case .cache(.inUse): .temporary
            case .cache: .inputOutput
            case .database(let error): Self.status(error)
            case .objects(let error): Self.status(error)
            case .mismatch: .configuration
            case .failed(let error): StoreFailure(error).status
            }
    }
}

extension StoreFailure {
    private static func status(_ error: SharedCatalogError) -> ExitStatus {
        switch error {
        case .unavailable: .temporary
        case .unfit, .missing: .configuration
        default: .inputOutput
        }
    }

    private static func status(_ error: ObjectError) -> ExitStatus {
        switch error {
        case .unavailable: .temporary
        case .refused: .configuration
        default: .inputOutput
        }
    }
}

/// What the settings say about the keys of an object store.
enum ObjectKeyring {
    static func keys(_ settings: ServerSettings) throws(SettingsError) -> AccessKeys {
        let path = settings.shared.accessKeyPath
        let source: AccessKeySource =
            path.isEmpty ? .environment(ProcessInfo.processInfo.environment) : .file(path)
        do throws(AccessKeys.Failure) { return try AccessKeys(source) } catch {
            throw settings.error("objects-credentials", error.description)
        }
    }

    /// Reads the file again. Nil without one.
    static func reloading(_ settings: ServerSettings) -> Reloadable? {
        guard !settings.shared.accessKeyPath.isEmpty, let keys = settings.shared.accessKeys else { return nil }
        return Reloadable(name: "credentials of the object store") {
            do throws(AccessKeys.Failure) { try keys.reload() } catch {
                throw settings.error("objects-credentials", error.description)
            }
        }
    }
}

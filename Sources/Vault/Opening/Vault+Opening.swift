import Blobs
package import Catalog
import DiskStore
package import Files
package import Logging
import Store
package import Telemetry

/// What opening a storage folder comes to.
struct OpenedStore: Sendable {
    let disk: DiskStore
    let catalog: ReopenableCatalog
    let time: StoreTime
}

extension Vault {
    /// Opens the store at `path`, or makes one there if the folder is absent or empty.
    ///
    /// Where blobs and catalogue are not two halves of one store, or one is missing, it throws and touches nothing.
    /// Removals that were begun are finished before anybody is served. The vault must be closed in the end.
    package static func open(
        at path: String, settings: VaultSettings = VaultSettings(), clock: any StoreClock = SystemClock(),
        faults: FaultPoints = .none, meters: Meters = Meters(), logger: Logger
    ) async throws(VaultError) -> Vault {
        let workers = BlockingPool(threads: settings.threads)
        let result: Result<OpenedStore, VaultError>
        do {
            result = try await workers.run {
                Result { () throws(VaultError) in
                    try StoreOpening(
                        layout: DiskLayout(root: path), settings: settings, clock: clock, faults: faults,
                        logger: logger
                    ).run()
                }
            }
        } catch {
            preconditionFailure("threads that were just started take work")
        }
        switch result {
        case .success(let opened):
            let vault = Vault(
                opened, settings: settings, workers: workers, faults: faults, meters: meters, logger: logger)
            do { try await vault.takeUpUploads() } catch {
                await vault.close()
                throw .catalog(.failed(error.description))
            }
            return vault
        case .failure(let error):
            await workers.shutDown()
            throw error
        }
    }
}

/// Why a store could not be opened. Nothing in its folder was changed.
package enum VaultError: Error, Sendable, CustomStringConvertible {
    /// Another process owns the storage folder.
    case locked(path: String)
    /// The folder is neither a store nor empty.
    case notAStore(path: String, why: String)
    /// Blobs and catalog belong to different stores.
    case mismatch(path: String, why: String)
    /// The catalog could not be opened, or its commits would not be durable.
    case catalog(CatalogError)
    /// The disk failed.
    case file(FileError)

    package var description: String {
        switch self {
        case .locked(let path):
            "another process owns the store at \(path)"
        case .notAStore(let path, let why): "\(path) is not a store: \(why); check --storage (nothing was changed)"
        case .mismatch(let path, let why):
            "\(path) holds two halves of different stores: \(why); restore the right catalog (nothing was changed)"
        case .catalog(let error): error.description
        case .file(let error): error.description
        }
    }
}

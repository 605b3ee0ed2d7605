import Blobs
import Catalog
import DiskStore
package import Files
package import Logging
import Store
package import Telemetry

/// What opening a storage folder comes to.
struct OpenedStore: Sendable {
    let disk: DiskStore
    let slot: CatalogSlot
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
        let workers = Workers(threads: settings.threads)
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

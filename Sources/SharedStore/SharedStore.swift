import BlobFiles
package import Blobs
import Files
import Logging
import Objects
import SharedCatalog
package import Store
import StoreRules
package import Telemetry

/// A node of a store whose bytes are in an object store and whose catalogue is in a database, both shared by any number
/// of nodes. A node holds nothing that may not be lost.
///
/// Order of what becomes durable: object, then row; row's end, then object's end. An object has a name of its own that is
/// never used again, so nothing that was long on its way can hit what lives.
package final class SharedStore: LeaseStore, Upkeep, ChangeFeed {
    package let settings: SharedStoreSettings
    /// What whoever holds leases is allowed.
    let leaseLimits: LeaseLimits

    let catalog: SharedCatalog
    let objects: any ObjectStore
    /// The database's clock, as this node knows it.
    let time: SharedTime
    /// Hears what other nodes have ended, and tells until when what was found may be believed.
    let ends: Ends
    /// Bytes of blobs, verified.
    let cache: ReadCache
    /// What is to be looked at soon.
    let suspects = SuspectBlobs()
    /// Threads that may wait for a disk.
    let workers: BlockingPool
    let faults: FaultPoints
    let logger: Logger
    /// Where this node counts what it does.
    package let meters: Meters

    init(
        _ opened: OpenedNode, settings: SharedStoreSettings, workers: BlockingPool, faults: FaultPoints, meters: Meters,
        logger: Logger
    ) {
        self.settings = settings
        leaseLimits = settings.leaseLimits
        catalog = opened.catalog
        objects = opened.objects
        time = opened.time
        ends = opened.ends
        cache = opened.cache
        self.workers = workers
        self.faults = faults
        self.meters = meters
        self.logger = logger
    }

    /// What of a node has been opened: the database has been heard, and the cache's folder is its own.
    struct OpenedNode: Sendable {
        let catalog: SharedCatalog
        let objects: any ObjectStore
        let time: SharedTime
        let ends: Ends
        let cache: ReadCache
    }
}

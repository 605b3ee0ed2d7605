package import Blobs
package import Catalog
package import DiskStore
package import Files
package import Store

/// What sweeps and checks see of a store.
extension Vault {
    /// Looks at one consistent state of the catalogue, at most `Catalog.pageRows` rows of it.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (CatalogReader) throws -> Value
    ) async throws(StoreError) -> Value {
        try await workers.run { () throws(StoreError) in try self.slot.read(body) }
    }

    /// Changes rows durably, in one batch with whatever else is being written.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (CatalogWriter, Timestamp) throws -> Value
    ) async throws(StoreError) -> Value {
        try await committer.perform(record: body)
    }

    /// Runs something that blocks on the disk.
    package func onDisk<Value: Sendable>(
        _ body: @escaping @Sendable (DiskStore) throws(FileError) -> Value
    ) async throws(StoreError) -> Value {
        try await workers.run { () throws(StoreError) in
            try storeErrors { () throws(FileError) in try body(self.disk) }
        }
    }

    /// The step before `point` is done.
    package func reach(_ point: FaultPoint) throws(FileError) {
        try faults.reach(point)
    }

    /// The clocks at this moment.
    package var clocks: ClockReading { time.clock.reading }

    /// The latest time that was ever committed.
    package var latestCommitted: Timestamp { time.latestCommitted }
}

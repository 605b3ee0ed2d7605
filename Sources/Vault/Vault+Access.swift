import BlobFiles
package import Blobs
package import Catalog
package import DiskStore
package import Files
package import Store
package import StoreRules

/// What sweeps and checks see of a store.
extension Vault {
    /// Looks at one consistent state of the catalogue, at most `Catalog.pageRows` rows of it.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (CatalogReader) throws -> Value
    ) async throws(StoreError) -> Value {
        try await workers.run { () throws(StoreError) in try self.catalog.read(body) }
    }

    /// Makes a change durable, in one batch with whatever else is being written.
    package func make<Change: CatalogChange>(_ change: Change) async throws(StoreError) -> Change.Outcome {
        try await committer.perform(change)
    }

    /// What a change would come to now, without making it. Blocks.
    func judge<Change: CatalogChange>(_ change: Change) throws(StoreError) -> Change.Outcome {
        let now = time.now
        return try catalog.read { try $0.judge(change, at: now) }.get()
    }

    /// Bytes of the file at a blob's place; nil where there is none. Blocks; called under the lock of the address, since
    /// only then the answer keeps.
    func fileSize(of address: BlobAddress) throws(StoreError) -> Int64? {
        try storeErrors { () throws(FileError) in try disk.files.size(of: address) }
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

extension StoreError {
    /// A failure of the disk in the words of the vocabulary.
    init(_ error: FileError) {
        self = error.isFullDisk ? .diskFull : .io(error.description)
    }

    /// A failure of the catalogue in the words of the vocabulary.
    init(_ error: CatalogError) {
        if case .full = error { self = .diskFull } else { self = .io(error.description) }
    }
}

/// Runs `body` and turns a failure of the disk into the vocabulary's error.
func storeErrors<Value: ~Copyable>(_ body: () throws(FileError) -> Value) throws(StoreError) -> Value {
    do { return try body() } catch { throw StoreError(error) }
}

import Blobs
import Catalog
import Synchronization

/// The catalogue in use. After a failed sync it is closed and opened afresh, and those who were reading ask again.
final class CatalogSlot: Sendable {
    private let current: Mutex<Catalog>
    private let open: @Sendable () throws(CatalogError) -> Catalog

    init(_ catalog: Catalog, open: @escaping @Sendable () throws(CatalogError) -> Catalog) {
        current = Mutex(catalog)
        self.open = open
    }

    /// The catalogue of this moment; waits while it is being opened.
    var catalog: Catalog { current.withLock { $0 } }

    /// Looks at one consistent state, in the new catalogue if the old one was closed meanwhile.
    func read<Value>(_ body: (CatalogReader) throws -> Value) throws(StoreError) -> Value {
        do {
            return try catalog.read(body)
        } catch CatalogError.closed {
            do { return try catalog.read(body) } catch { throw .io(error.description) }
        } catch {
            throw .io(error.description)
        }
    }

    /// Closes every connection, so that SQLite judges its log anew by its checksums, opens the catalogue again and
    /// moves the log into the database.
    func reopen() throws(CatalogError) {
        try current.withLock { current throws(CatalogError) in
            current.abandon()
            current = try open()
            try current.checkpoint()
        }
    }
}

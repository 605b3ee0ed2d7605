import Blobs
import Catalog
import Glibc
import Store
import Synchronization

/// The catalog in use. After a failed sync it is closed and opened afresh; those who want to read wait meanwhile,
/// since connections must not be closed under somebody who is using them.
final class ReopenableCatalog: Sendable {
    private enum State {
        case open(Catalog, users: Int)
        /// Being closed: nobody new comes in.
        case leaving(Catalog, users: Int)
        case reopening
        /// It could not be opened again, yet.
        case failed(CatalogError)
    }

    /// What a caller finds.
    private enum AccessDecision {
        case enter(Catalog)
        case wait
        case fail(CatalogError)
    }

    private let state: Mutex<State>
    private let open: Opening
    private let openToRead: Opening

    typealias Opening = @Sendable () throws(CatalogError) -> Catalog

    init(_ catalog: Catalog, open: @escaping Opening, openToRead: @escaping Opening) {
        state = Mutex(.open(catalog, users: 0))
        self.open = open
        self.openToRead = openToRead
    }

    /// Looks at one consistent state.
    func read<Value>(_ body: (CatalogReader) throws -> Value) throws(StoreError) -> Value {
        do {
            return try use { catalog throws(CatalogError) in try catalog.read(body) }
        } catch {
            throw .io(error.description)
        }
    }

    /// Changes rows in one transaction, as `Catalog.write` does.
    func write<Value>(
        at now: Timestamp, _ body: (SQLiteTransaction) throws(CatalogError) -> Value
    ) throws(CatalogError) -> (value: Value, commits: Int64) {
        try use { catalog throws(CatalogError) in try catalog.write(at: now, body) }
    }

    /// Lets `body` use the catalog, which is not closed before it returns. Blocks while it is being reopened.
    func use<Value>(_ body: (Catalog) throws(CatalogError) -> Value) throws(CatalogError) -> Value {
        let catalog = try enter()
        defer { leave() }
        return try body(catalog)
    }

    /// Closes every connection, so that SQLite judges its log anew by its checksums, opens the catalog again and
    /// moves the log into the database. Only one thread does this. Where the disk still cannot write or sync, the
    /// catalog stays open to be read.
    func reopen() throws(CatalogError) {
        takeOut()?.abandon()
        let result = Result { () throws(CatalogError) in try open() }
        let usable = result.flatMapError { _ in Result { () throws(CatalogError) in try openToRead() } }
        state.withLock { state in
            switch usable {
            case .success(let catalog): state = .open(catalog, users: 0)
            case .failure(let error): state = .failed(error)
            }
        }
        try result.get().checkpoint()
    }

    /// Closes the catalog for good, when nobody uses it any more.
    func close() throws(CatalogError) {
        let catalog = state.withLock { state -> Catalog? in
            guard case .open(let catalog, _) = state else { return nil }
            state = .failed(.closed)
            return catalog
        }
        try catalog?.close()
    }

    /// Takes the catalog out when its last user has gone; nil where none was open.
    private func takeOut() -> Catalog? {
        while true {
            let (catalog, isBusy) = state.withLock { Self.takeOut(&$0) }
            if !isBusy { return catalog }
            Self.pause()
        }
    }

    private static func takeOut(_ state: inout State) -> (Catalog?, isBusy: Bool) {
        switch state {
        case .open(let catalog, let users), .leaving(let catalog, let users):
            state = users > 0 ? .leaving(catalog, users: users) : .reopening
            return (catalog, users > 0)
        case .reopening, .failed:
            state = .reopening
            return (nil, false)
        }
    }

    private func enter() throws(CatalogError) -> Catalog {
        while true {
            switch state.withLock({ Self.entry(&$0) }) {
            case .enter(let catalog): return catalog
            case .fail(let error): throw error
            case .wait: Self.pause()
            }
        }
    }

    private static func entry(_ state: inout State) -> AccessDecision {
        switch state {
        case .open(let catalog, let users):
            state = .open(catalog, users: users + 1)
            return .enter(catalog)
        case .leaving, .reopening: return .wait
        case .failed(let error): return .fail(error)
        }
    }

    private func leave() {
        state.withLock { state in
            switch state {
            case .open(let catalog, let users): state = .open(catalog, users: users - 1)
            case .leaving(let catalog, let users): state = .leaving(catalog, users: users - 1)
            case .reopening, .failed: break
            }
        }
    }

    /// A millisecond, on a thread that may block; only ever while the catalog is being reopened.
    private static func pause() {
        usleep(1000)
    }
}

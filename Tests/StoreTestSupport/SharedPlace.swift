package import Blobs
package import Files
package import MemoryObjects
package import Objects
import SharedCatalog
package import SharedStore
import Store
import StoreRules
import Synchronization
package import TestEngines
import TestSupport

/// Where a shared store of a test's own lies: a schema in the PostgreSQL that all tests share, a bucket in memory, and the
/// folders of its nodes' caches. All of it goes with this object.
package final class SharedPlace: Sendable {
    private let connection: String
    private let schema: SchemaName
    private let console: SQLConsole
    /// Where objects lie that are in memory.
    package let bucket = MemoryBucket()
    /// Where the objects of the nodes lie.
    let objectBucket: TestBucket
    private let folder: TemporaryFolder
    private let turn = Mutex<DatabaseTurns.Turn?>(nil)

    /// - Parameter engine: a real object store; nil for one in memory.
    package init(on engine: ObjectEngine? = nil) throws {
        objectBucket = try engine.map { try TestBucket.new(in: $0) } ?? .memory(bucket)
        connection = try Engines.postgres()
        console = try Engines.console()
        folder = try TemporaryFolder.inMemory()
        guard let name = SchemaName("test_\(UInt64.random(in: .min ... .max))") else {
            preconditionFailure("letters and digits name a schema")
        }
        schema = name
    }

    deinit { _ = try? ask("DROP SCHEMA IF EXISTS \(schema) CASCADE") }

    /// Opens a node. Waits where too many tests have one open.
    ///
    /// - Parameters:
    ///   - name: of the node; two that are open at once have different ones.
    ///   - objects: for a test that lets it go wrong.
    package func open(
        _ name: String = "node", objects: MemoryObjects? = nil, settings: SharedStoreSettings, clock: TestClock,
        faults: FaultPoints = .none, mayCreate: Bool = true
    ) async throws -> SharedStore {
        if turn.withLock({ $0 == nil }) {
            let taken = await DatabaseTurns.take()
            turn.withLock { $0 = taken }
        }
        let node = SharedNode(
            name: name, connection: connection, schema: schema, cacheFolder: folder.path(name), mayCreate: mayCreate)
        return try await node.open(
            on: objects ?? objectBucket.open(), settings: settings, clock: clock, faults: faults)
    }

    /// What another process needs to know to open a node of this name here; nil where the objects are in memory.
    package func directions(_ name: String) -> NodeDirections? {
        guard case .engine(let engine, let prefix, _) = objectBucket else { return nil }
        return NodeDirections(
            name: name, connection: connection, schema: "\(schema)", cacheFolder: folder.path(name), engine: engine,
            prefix: prefix)
    }

    /// The object store by itself, to be closed by the caller.
    package func openObjects() throws -> any ObjectStore { try objectBucket.open() }

    // MARK: By hand

    /// Asks the database; `satchel.` stands for the schema.
    @discardableResult
    package func ask(_ statement: String) throws -> [[String]] {
        try console.ask(statement.replacing("satchel.", with: "\(schema)."))
    }

    /// The names of a blob's objects, in their order; none where it has no bytes.
    package func objects(of address: BlobAddress) throws -> [ObjectName] {
        try names(
            """
            SELECT object, 0 FROM satchel.blob WHERE address = '\\x\(address.hex)' AND object IS NOT NULL AND NOT listed
            UNION ALL SELECT o.id, o.nr FROM satchel.blob b JOIN satchel.object o ON o.list = b.object
            WHERE address = '\\x\(address.hex)' AND listed ORDER BY 2
            """)
    }

    /// The names of an open upload's objects, in their order.
    package func objects(of upload: UploadID) throws -> [ObjectName] {
        try names(
            """
            SELECT o.id FROM satchel.upload u JOIN satchel.object o USING (list) WHERE u.id = '\\x\(upload.hex)'
            ORDER BY o.nr
            """)
    }

    private func names(_ question: String) throws -> [ObjectName] {
        try ask(question).compactMap { row in ObjectID(hex: row[0].replacing("-", with: "")).map { ObjectName($0) } }
    }
}

/// How many tests have a node open at once: a database has only so many connections.
private enum DatabaseTurns {
    /// The most.
    private static let limit = 32

    private struct State {
        var free = DatabaseTurns.limit
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private static let state = Mutex(State())

    /// Goes on when it is let go.
    final class Turn: Sendable {
        deinit {
            let next = DatabaseTurns.state.withLock { state -> CheckedContinuation<Void, Never>? in
                if state.waiting.isEmpty {
                    state.free += 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
            next?.resume()
        }
    }

    static func take() async -> Turn {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
        return Turn()
    }
}

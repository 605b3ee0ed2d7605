import Blobs
import Dispatch
import Files
import Logging
import Store
import StoreRules
import Synchronization
import TestEngines
import TestSupport
import Testing

@testable import SharedCatalog

/// A schema of a test's own, in the database that all share or in one of its own; it goes with this object.
final class TestSchema: Sendable {
    let settings: DatabaseSettings

    init(in engine: Engine? = nil, _ change: (inout DatabaseSettings) -> Void = { _ in }) throws {
        let connection = try engine?.fact("connection") ?? Engines.postgres()
        var settings = DatabaseSettings(ConnectionString(connection))
        let name = "t" + (0..<12).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
        settings.schema = try #require(SchemaName(name))
        // The machine may be slow.
        settings.patience = .seconds(60)
        change(&settings)
        self.settings = settings
    }

    deinit { _ = try? ask("DROP SCHEMA IF EXISTS \"\(settings.schema)\" CASCADE") }

    func connect() throws -> Session {
        var settings = settings
        settings.takesForgetfulDatabases = true
        return try Connector(settings).connect()
    }

    /// Asks by a connection of its own; the tables are those of the schema `satchel`.
    @discardableResult
    func ask(_ sql: String) throws -> [[Int64?]] {
        let session = try connect()
        try session.queue(PostgresStatement("test", sql))
        guard let rows = try session.run()[0] else { return [] }
        return (0..<rows.count).map { row in (0..<rows.columns).map { rows.number(row, $0) } }
    }

    func number(_ sql: String) throws -> Int64 { try #require(try ask(sql).first?.first ?? nil) }

    func open(
        _ name: String = "node", now: @escaping @Sendable () -> Timestamp = { Timestamp(seconds: 1_000_000) },
        changed: @escaping @Sendable ([BlobAddress], [BlobAddress]) -> Void = { _, _ in },
        faults: FaultPoints = .none
    ) async throws -> SharedCatalog {
        try await SharedCatalog.open(
            settings, node: CatalogNode(name: name, version: "1"), now: now, changed: changed, faults: faults,
            logger: Self.quiet)
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// A moment that a test moves on.
final class TestTime: Sendable {
    private let seconds: Mutex<Int64>

    init(_ seconds: Int64 = 1_000_000) { self.seconds = Mutex(seconds) }

    var now: Timestamp {
        get { seconds.withLock { Timestamp(seconds: $0) } }
        set { seconds.withLock { $0 = newValue.seconds } }
    }
}

extension SharedCatalog {
    /// Uploads a blob whose bytes are a new object.
    @discardableResult
    func upload(
        _ address: BlobAddress, size: Int64 = 5000, _ terms: LeaseTerms, limits: LeaseLimits = .generous,
        object: ObjectID = .random(), patience: Duration = .zero
    ) async throws(StoreError) -> Committed<StoredBlob> {
        let change = CommitUpload(address: address, size: size, terms: terms, limits: limits, bytes: .asRecorded)
        return try await perform({ change }, patience: patience) { _, page throws(StoreError) in
            page.hold(address, by: BlobObject(id: object, isList: false))
        }
    }
}

extension LeaseLimits {
    static let generous = LeaseLimits(
        defaultLifetime: .days(2), maximumLifetime: .days(30), leasesPerAddress: 1_000_000, leasesPerSubject: 1_000_000,
        leasesPerSubjectAndAddress: 1_000_000, leasesPerSubjectAndDay: 1_000_000, bytesPerSubject: nil)
}

/// Whether these tests can run.
let hasPostgres = ConditionTrait.enabled(if: Engines.hasPostgres, Comment(rawValue: Engines.noPostgres))

/// What a catalog has told of its changes.
final class Told: Sendable {
    private let addresses = Mutex((touched: [BlobAddress](), shortened: [BlobAddress]()))

    var touched: [BlobAddress] { addresses.withLock { $0.touched } }
    var shortened: [BlobAddress] { addresses.withLock { $0.shortened } }

    func note(_ touched: [BlobAddress], _ shortened: [BlobAddress]) {
        addresses.withLock {
            $0.touched += touched
            $0.shortened += shortened
        }
    }
}

/// Holds the only lane of a catalog, until it is opened.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let task: Task<Void, any Error>

    /// Returns once the lane is held.
    init(_ catalog: SharedCatalog) async throws {
        let (semaphore, entered) = (semaphore, DispatchSemaphore(value: 0))
        task = Task {
            _ = try await catalog.perform {
                entered.signal()
                semaphore.wait()
                // It is asked for twice, to be loaded and to be applied.
                semaphore.signal()
                return NoChange()
            } objects: { (_, _) throws(StoreError) in
            }
        }
        try await eventually { entered.wait(timeout: .now()) == .success }
    }

    /// Lets the lane go on, once so many changes wait for it.
    func open(_ catalog: SharedCatalog, whenWaiting count: Int) async throws {
        try await eventually { catalog.waitingChanges == count }
        semaphore.signal()
        try await task.value
    }
}

/// Counts what happens at once.
final class Counts: Sendable {
    private let counts = Mutex([String: Int]())

    subscript(_ what: String) -> Int { counts.withLock { $0[what] ?? 0 } }

    func note(_ what: String) { counts.withLock { $0[what, default: 0] += 1 } }
}

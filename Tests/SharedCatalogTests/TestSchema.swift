import Blobs
import Files
import Logging
import Store
import StoreRules
import Synchronization
import TestEngines
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
        object: ObjectID = .random()
    ) async throws(StoreError) -> Committed<StoredBlob> {
        try await perform {
            CommitUpload(address: address, size: size, terms: terms, limits: limits, bytes: .asRecorded)
        } objects: { _, page throws(StoreError) in
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

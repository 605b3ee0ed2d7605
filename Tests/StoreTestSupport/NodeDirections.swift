package import Files
import Objects
import SharedCatalog
package import SharedStore
import StoreRules
import TestEngines

/// How another process opens a node of a `SharedPlace`.
package struct NodeDirections: Codable, Sendable {
    let name: String
    let connection: String
    let schema: String
    let cacheFolder: String
    let engine: ObjectEngine
    let prefix: String

    /// What the connections of that node are called in `pg_stat_activity`.
    package var application: String { "\(schema)-\(name)" }

    /// - Parameter patienceSeconds: for the database.
    package func open(
        settings: SharedStoreSettings, clock: TestClock, patienceSeconds: Int = SharedNode.patienceSeconds,
        faults: FaultPoints = .none
    ) async throws -> SharedStore {
        guard let schema = SchemaName(schema) else { preconditionFailure("it names a schema") }
        let node = SharedNode(
            name: name, connection: "\(connection) application_name=\(application)", schema: schema,
            cacheFolder: cacheFolder, patienceSeconds: patienceSeconds)
        return try await node.open(
            on: engine.open(below: prefix), settings: settings, clock: clock, faults: faults)
    }
}

/// A node of a shared store of the tests.
package struct SharedNode {
    /// A database that other tests keep busy answers in the end.
    package static let patienceSeconds = 120

    let name: String
    let connection: String
    let schema: SchemaName
    let cacheFolder: String
    var mayCreate = true
    var patienceSeconds = SharedNode.patienceSeconds

    func open(
        on objects: any ObjectStore, settings: SharedStoreSettings, clock: TestClock, faults: FaultPoints
    ) async throws -> SharedStore {
        var database = DatabaseSettings(ConnectionString(connection))
        database.schema = schema
        database.mayCreate = mayCreate
        database.lanes = 2
        database.readers = 1
        database.takesForgetfulDatabases = true
        database.patience = .seconds(patienceSeconds)
        var settings = settings
        settings.nodeName = name
        return try await SharedStore.open(
            SharedStorePlace(database: database, objects: objects, cacheFolder: cacheFolder), settings: settings,
            clock: clock, goesByClock: true, faults: faults, logger: StoreFixture.quiet)
    }
}

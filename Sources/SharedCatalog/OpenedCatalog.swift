import Blobs
import Foundation
import Logging
import Store

/// What of a shared catalog has been opened: the database is fit, its tables are there, and so is the node.
struct OpenedCatalog: Sendable {
    let connector: Connector
    let identity: StoreIdentity
    /// Where the node keeps its sums.
    let slot: Int64
    let logger: Logger

    /// Blocks.
    static func open(
        _ settings: DatabaseSettings, node: CatalogNode, at now: Timestamp, logger: Logger
    ) throws(SharedCatalogError) -> OpenedCatalog {
        guard (1...8).contains(settings.lanes), settings.readers > 0, settings.patience >= .seconds(1) else {
            throw .unfit("the database takes 1 to 8 lanes, a reader and a second of patience at least")
        }
        var connector = try Connector(settings)
        let session = try connector.connect()
        let migrator = Migrator(session: session)
        try migrator.migrate(settings.schema, mayCreate: settings.mayCreate)
        session.deadline = .now + settings.patience
        let identity = try migrator.open(at: now)
        connector.system = session.facts.system
        let slot = try register(node, session)
        logger.info(
            "The database can be used",
            metadata: [
                "version": "\(session.facts.version)", "system": "\(session.facts.system)",
                "timeline": "\(session.facts.timeline)", "store": "\(identity)",
            ])
        return OpenedCatalog(connector: connector, identity: identity, slot: slot, logger: logger)
    }

    /// Gives the node a row with a slot of its own, and returns that. Of two that want the same one, one tries again.
    static func register(_ node: CatalogNode, _ session: Session) throws(SharedCatalogError) -> Int64 {
        for attempt in 1... {
            do throws(SharedCatalogError) {
                let rows = try session.ask(
                    addNode, .init(.of(node.id as NodeID?)), .init(.text(node.name)), .init(.text(node.version)))
                guard let row = rows.first else { throw SharedCatalogError.failed("the database made no node") }
                return try row.number(0)
            } catch {
                guard session.lastError?.code == "23505", attempt < 20, session.condition == .usable else {
                    throw error
                }
            }
        }
        throw .failed("the database made no node")
    }

    private static let addNode = PostgresStatement(
        "add node",
        """
        INSERT INTO satchel.node AS n (id, name, version, started, beat, wall, slot)
        SELECT $1::bytea, $2::text, $3::text, clock_timestamp(), clock_timestamp(),
            extract(epoch FROM clock_timestamp())::bigint, min(c.slot)
        FROM (SELECT 0 AS slot UNION ALL SELECT slot + 1 FROM satchel.node) c
        WHERE NOT EXISTS (SELECT FROM satchel.node o WHERE o.slot = c.slot)
        ON CONFLICT (id) DO UPDATE SET beat = excluded.beat RETURNING n.slot
        """)
}

/// Runs `body`, which may block, on a thread of its own.
func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws(SharedCatalogError) -> Value
) async throws(SharedCatalogError) -> Value {
    let result: Result<Value, SharedCatalogError> = await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            continuation.resume(returning: Result { () throws(SharedCatalogError) in try body() })
        }
    }
    return try result.get()
}

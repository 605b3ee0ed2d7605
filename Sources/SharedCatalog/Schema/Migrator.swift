import Blobs
import Store

/// Makes the tables, and brings them up to date: any number of nodes may start at once.
struct Migrator {
    let session: Session

    /// How long a step may take, others that start at the same time included.
    static let patience = Duration.seconds(120)

    /// - Parameter mayCreate: whether there need not be any yet; otherwise throws `.missing`, and nothing is changed.
    func migrate(_ schema: SchemaName, mayCreate: Bool) throws(SharedCatalogError) {
        session.deadline = .now + Self.patience
        try prepare(schema, mayCreate: mayCreate)
        let known = SharedSchema.steps.count
        try transaction {
            () throws(SharedCatalogError) in
            // Others that start now wait here, and find everything done.
            try session.queue(Self.lock)
            try session.queue(Self.latest)
            let rows = try session.run().last ?? nil
            guard let row = rows?.first else { throw .failed("the database does not count its steps") }
            let taken = try row.int(0)
            guard taken <= known else { throw .superseded }
            for (index, step) in SharedSchema.steps.enumerated().dropFirst(taken) {
                for (number, statement) in step.statements.enumerated() {
                    try session.queue(PostgresStatement("step \(index + 1).\(number)", statement))
                }
                try session.queue(Self.note, [.init(.number(Int64(index + 1))), .init(.text(step.name))])
                _ = try session.run()
            }
        }
    }

    /// Makes what has to be there before anything can be locked. Two that do this at once may get into each other's way:
    /// then it is there.
    private func prepare(_ schema: SchemaName, mayCreate: Bool) throws(SharedCatalogError) {
        for attempt in 1... {
            do throws(SharedCatalogError) {
                let (table, name) = ("\"\(schema)\".migration", schema.description)
                let row = try session.ask(Self.look, .init(.text(table)), .init(.text(name))).first
                if try row?.flag(0) ?? false { return }
                if !mayCreate { throw SharedCatalogError.missing }
                if try !(row?.flag(1) ?? false) {
                    let text = "CREATE SCHEMA IF NOT EXISTS \"\(schema)\""
                    try session.queue(PostgresStatement("make schema", text))
                    _ = try session.run()
                }
                try session.queue(PostgresStatement("make migration", SharedSchema.steppedTable))
                _ = try session.run()
                return
            } catch {
                // A unique index of the system's own tables, or that it is there already, or the type of its rows.
                let meetings = ["23505", "42P06", "42P07", "42710", "40001", "XX000"]
                let isMeeting = meetings.contains(session.lastError?.code ?? "")
                guard isMeeting, attempt < 10, session.condition == .usable else { throw error }
            }
        }
    }

    /// Runs `body` in a transaction.
    private func transaction(
        _ body: () throws(SharedCatalogError) -> Void
    ) throws(SharedCatalogError) {
        try session.queue(.begin)
        _ = try session.run()
        do {
            try body()
            try session.queue(.commit)
            _ = try session.run()
        } catch {
            session.rollBack()
            throw error
        }
    }

    /// The row about the store, made where it is not there. A database that was put into another cluster was put back.
    /// Returns the store's identity.
    func open(at now: Timestamp) throws(SharedCatalogError) -> StoreIdentity {
        try session.queue(
            Self.makeStore,
            [
                .init(.of(StoreIdentity.random() as StoreIdentity?)), .init(.of(now)),
                .init(.number(session.facts.system)),
            ])
        try session.queue(Self.noteSystem, [.init(.number(session.facts.system))])
        try session.queue(Self.identity)
        guard let row = (try session.run().last ?? nil)?.first else { throw .failed("the database has no store row") }
        return try row.value(0)
    }

    // MARK: Statements

    private static let lock = PostgresStatement("lock steps", "LOCK TABLE satchel.migration IN EXCLUSIVE MODE")
    private static let look = PostgresStatement(
        "look for schema",
        """
        SELECT to_regclass($1::text) IS NOT NULL,
            EXISTS (SELECT FROM pg_namespace WHERE nspname = $2::text)
        """)
    private static let latest = PostgresStatement(
        "latest step", "SELECT coalesce(max(number), 0) FROM satchel.migration")
    private static let note = PostgresStatement(
        "note step", "INSERT INTO satchel.migration (number, name) VALUES ($1::bigint, $2::text)")
    private static let makeStore = PostgresStatement(
        "make store",
        """
        INSERT INTO satchel.store (identity, latest, system, pass_wall, pass_monotonic, pass_boot)
        VALUES ($1::bytea, $2::bigint, $3::bigint, $2::bigint, 0, '') ON CONFLICT DO NOTHING
        """)
    private static let noteSystem = PostgresStatement(
        "note system", "UPDATE satchel.store SET restored = true, system = $1::bigint WHERE system <> $1::bigint")
    private static let identity = PostgresStatement("identity", "SELECT identity FROM satchel.store")
}

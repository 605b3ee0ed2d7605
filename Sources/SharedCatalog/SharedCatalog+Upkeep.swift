package import Blobs
package import Store
package import StoreRules

/// What nodes and sweeps write beside changes: each is a statement by itself, durable when it returns, and harmless when
/// it is done again.
extension SharedCatalog {
    /// Seconds for which a node counts as alive after a sign of life.
    package static let aliveSeconds: Int64 = 20

    private var me: PostgresParameter { .init(.of(node.id as NodeID?)) }

    /// Runs one statement.
    private func write(
        _ statement: PostgresStatement, _ parameters: PostgresParameter...
    ) async throws(StoreError) {
        try await upkeep.ask { session throws(SharedCatalogError) in
            try session.queue(.durably)
            try session.queue(statement, parameters)
            _ = try session.run()
        }
    }

    /// Whether a statement gave a row.
    private func writes(
        _ statement: PostgresStatement, _ parameters: PostgresParameter...
    ) async throws(StoreError) -> Bool {
        try await upkeep.ask { session throws(SharedCatalogError) in
            try session.queue(.durably)
            try session.queue(statement, parameters)
            let rows = try session.run()[1]
            return rows?.first != nil
        }
    }

    // MARK: Nodes

    /// Gives a sign of life; `wall` is what the node's own clock says.
    package func beat(wall: Timestamp) async throws(StoreError) {
        try await upkeep.ask { [node] session throws(SharedCatalogError) in
            let values = [PostgresParameter(.of(node.id as NodeID?)), PostgresParameter(.of(wall))]
            try session.queue(.durably)
            try session.queue(.beat, values)
            if (try session.run()[1])?.first != nil { return }
            // It was silent for so long that it was forgotten.
            _ = try OpenedCatalog.register(node, session)
            try session.queue(.beat, values)
            _ = try session.run()
        }
    }

    /// Takes the node out of those that are alive.
    package func leave() async throws(StoreError) { try await write(.leave, me) }

    /// Takes a duty, or keeps it, for so long by the database's clock. Returns false where another node has it.
    package func takeDuty(_ name: String, for lifetime: Lifetime) async throws(StoreError) -> Bool {
        try await writes(.takeDuty, .init(.text(name)), me, .init(.of(lifetime)))
    }

    /// Gives a duty up; no change where another node has it.
    package func dropDuty(_ name: String) async throws(StoreError) {
        try await write(.dropDuty, .init(.text(name)), me)
    }

    // MARK: Garbage

    /// Forgets garbage whose objects are gone, with the rows of its lists; at most 1,000 in one call.
    package func dropGarbage(_ ids: [ObjectID]) async throws(StoreError) {
        if !ids.isEmpty { try await write(.dropGarbage, .objects(ids)) }
    }

    /// Lets objects that are garbage go by `due` at the latest; at most 1,000 in one call.
    package func hasten(_ ids: [ObjectID], due: Timestamp) async throws(StoreError) {
        if !ids.isEmpty { try await write(.hasten, .objects(ids), .init(.of(due))) }
    }

    /// Forgets what ended more than ten minutes ago and nodes that have been silent for two days, by the database's clock;
    /// returns how many rows that were, at most `pageRows` of each.
    package func forgetOld() async throws(StoreError) -> Int {
        try await upkeep.ask { session throws(SharedCatalogError) in
            let changes = try session.ask(.forgetChanges, .init(.of(Self.pageRows))).count
            let nodes = try session.ask(.forgetNodes, .init(.of(Self.pageRows))).count
            if nodes > 0 {
                try session.queue(.forgetLanes)
                try session.queue(.gatherSums)
                _ = try session.run()
            }
            return changes + nodes
        }
    }

    // MARK: The store's row

    /// Writes the token of a sweep down, unless another one has since `former` was there; returns whether it did.
    package func setPass(_ token: [UInt8], after former: [UInt8]) async throws(StoreError) -> Bool {
        try await writes(.setPass, .init(.bytes(token)), .init(.bytes(former)))
    }

    /// Writes down by how many seconds the database's clock may differ from those of the nodes.
    package func setAccepted(seconds: Int64) async throws(StoreError) {
        try await write(.setAccepted, .init(.number(seconds)))
    }

    /// Writes down up to which hour names were looked through; never an earlier one than before.
    package func setScannedHour(_ hour: Int64) async throws(StoreError) {
        try await write(.setScannedHour, .init(.number(hour)))
    }
}

extension PostgresStatement {
    /// What is written behind it, up to the end of the round trip, is on disk when it is answered, and waits for nobody who
    /// holds the row for long.
    fileprivate static let durably = PostgresStatement(
        "durably",
        """
        SELECT CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true)
            END, set_config('statement_timeout', '0', true), set_config('lock_timeout', '2s', true)
        """)
    fileprivate static let beat = PostgresStatement(
        "beat",
        "UPDATE satchel.node SET beat = clock_timestamp(), wall = $2::bigint WHERE id = $1::bytea RETURNING slot")
    fileprivate static let leave = PostgresStatement(
        "leave",
        """
        UPDATE satchel.node SET beat = least(beat, clock_timestamp() - \(SharedCatalog.aliveInterval))
        WHERE id = $1::bytea
        """)
    fileprivate static let takeDuty = PostgresStatement(
        "take duty",
        """
        INSERT INTO satchel.duty AS d (name, node, until)
        VALUES ($1::text, $2::bytea, clock_timestamp() + $3::bigint * interval '1 second')
        ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until
        WHERE d.node = excluded.node OR d.until <= clock_timestamp() RETURNING d.until
        """)
    fileprivate static let dropDuty = PostgresStatement(
        "drop duty", "DELETE FROM satchel.duty WHERE name = $1::text AND node = $2::bytea")
    fileprivate static let dropGarbage = PostgresStatement(
        "drop garbage",
        """
        WITH dropped AS (DELETE FROM satchel.garbage WHERE id = ANY ($1::uuid[]) RETURNING id, listed)
        DELETE FROM satchel.object WHERE list IN (SELECT id FROM dropped WHERE listed)
        """)
    fileprivate static let hasten = PostgresStatement(
        "hasten", "UPDATE satchel.garbage SET due = least(due, $2::bigint) WHERE id = ANY ($1::uuid[])")
    fileprivate static let forgetChanges = PostgresStatement(
        "forget changes",
        """
        DELETE FROM satchel.change WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM satchel.change WHERE at < clock_timestamp() - interval '10 minutes' ORDER BY at
            LIMIT $1::bigint)) RETURNING 1
        """)
    fileprivate static let forgetNodes = PostgresStatement(
        "forget nodes",
        """
        DELETE FROM satchel.node WHERE id IN (
            SELECT id FROM satchel.node WHERE beat < clock_timestamp() - interval '2 days' LIMIT $1::bigint
            FOR UPDATE SKIP LOCKED) RETURNING 1
        """)
    fileprivate static let forgetLanes = PostgresStatement(
        "forget lanes",
        "DELETE FROM satchel.lane l WHERE NOT EXISTS (SELECT FROM satchel.node n WHERE n.id = l.node)")
    /// The sums of nodes that are forgotten.
    fileprivate static let gatherSums = PostgresStatement(
        "gather sums",
        """
        WITH gone AS (
            DELETE FROM satchel.tally t
            WHERE t.slot >= 0 AND NOT EXISTS (SELECT FROM satchel.node n WHERE n.slot = t.slot / 8)
            RETURNING kind, count, bytes)
        INSERT INTO satchel.tally AS t (slot, kind, count, bytes)
        SELECT -1, kind, sum(count)::bigint, sum(bytes)::bigint FROM gone GROUP BY kind
        ON CONFLICT (slot, kind) DO UPDATE SET count = t.count + excluded.count, bytes = t.bytes + excluded.bytes
        """)
    fileprivate static let setPass = PostgresStatement(
        "set pass",
        """
        UPDATE satchel.store SET pass_token = $1::bytea WHERE pass_token IN ($1::bytea, $2::bytea) RETURNING 1
        """)
    fileprivate static let setAccepted = PostgresStatement(
        "set accepted", "UPDATE satchel.store SET accepted = $1::bigint")
    fileprivate static let setScannedHour = PostgresStatement(
        "set scanned hour",
        "UPDATE satchel.store SET scanned_hour = greatest(scanned_hour, $1::bigint)")
}

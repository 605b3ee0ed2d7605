import Blobs
package import Store

extension SharedCatalog {
    /// The most that is told at once: where more has ended, nothing may be believed that was found before.
    static let newsLimit = 65_536
    /// After so much silence the database may have forgotten some of what ended.
    private static let longestSilenceMicroseconds: Int64 = 300_000_000
    /// For how long what was asked for is asked for again. A server that has crashed may give a number anew that it had
    /// given out and not yet written down, which it does within a second.
    private static let overlapMicroseconds: Int64 = 5_000_000
    /// The most answers that this is remembered of.
    private static let overlapLimit = 64

    /// What has ended since `position`. On a connection of its own, one question at a time.
    ///
    /// What a transaction ended is stored under its number. All transactions before `position` had ended when it was made,
    /// so that whatever has been committed since has a number from there on, in whatever order that was. Behind the first
    /// question something may be told that ended shortly before it.
    package func hear(after position: CatalogPosition?) async throws(StoreError) -> News {
        let node = node.id
        let heard = try await listener.ask { session throws(SharedCatalogError) in
            let asked = ContinuousClock.now
            try session.queue(Self.facts, [.init(.of(node as NodeID?))])
            if let position {
                // Asked second, it sees whatever the first has seen.
                try session.queue(
                    Self.changes, [.init(number: position.transaction), .init(.of(Self.newsLimit + 1))])
            }
            let answers = try session.run()
            guard let row = answers[0]?.first else { throw .failed("the database says nothing about itself") }
            return try Heard(row, answers.count > 1 ? answers[1] : nil, asked: asked)
        }
        let news = news(heard, after: position)
        // Another server, or another run of it, may know other transactions by these numbers.
        if news.isContinuous, let position { own.dropAll(before: position.transaction) } else { own.removeAll() }
        return news
    }

    private func news(_ heard: Heard, after position: CatalogPosition?) -> News {
        let isContinuous =
            position.map { position in
                heard.started == position.started && !heard.isInRecovery && heard.changes.count <= Self.newsLimit
                    && heard.clock - position.at < Self.longestSilenceMicroseconds
            } ?? false
        let new = heard.changes.filter { !(position?.heard.contains($0.transaction) ?? false) }
        let told = new.filter { !own.contains($0.transaction) }.map(\.prefix)
        let former = isContinuous ? position?.firsts ?? [] : []
        let firsts =
            former.filter { heard.clock - $0.at < Self.overlapMicroseconds }.suffix(Self.overlapLimit)
            + [CatalogPosition.FirstOpen(transaction: heard.first, at: heard.clock)]
        let start = firsts.first?.transaction ?? heard.first
        return News(
            position: CatalogPosition(
                transaction: start, heard: Set(heard.changes.map(\.transaction).filter { $0 >= start }),
                firsts: Array(firsts), started: heard.started, at: heard.clock),
            prefixes: isContinuous ? told : [], isContinuous: isContinuous, isInRecovery: heard.isInRecovery,
            clockMicroseconds: heard.clock, asked: heard.asked, answered: heard.answered,
            otherNodes: heard.otherNodes, isAlive: heard.isAlive)
    }

    private static let facts = PostgresStatement(
        "hear",
        """
        SELECT pg_snapshot_xmin(pg_current_snapshot()), pg_is_in_recovery(),
            (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
            (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
            (SELECT count(*) FROM satchel.node
                WHERE id <> $1::bytea AND beat > clock_timestamp() - \(SharedCatalog.aliveInterval)),
            EXISTS (SELECT FROM satchel.node
                WHERE id = $1::bytea AND beat > clock_timestamp() - \(SharedCatalog.aliveInterval))
        """)

    private static let changes = PostgresStatement(
        "hear changes", "SELECT xid, prefix FROM satchel.change WHERE xid >= $1::xid8 ORDER BY xid LIMIT $2::bigint")

    /// For how long a node counts as alive, in SQL.
    static let aliveInterval = "interval '\(SharedCatalog.aliveSeconds) seconds'"
}

/// The answer to one question.
private struct Heard: Sendable {
    /// The first transaction that had not ended.
    let first: UInt64
    let isInRecovery: Bool
    let started: Int64
    let clock: Int64
    let otherNodes: Int
    let isAlive: Bool
    let changes: [(transaction: UInt64, prefix: AddressPrefix)]
    let asked: ContinuousClock.Instant
    let answered: ContinuousClock.Instant

    init(
        _ row: ResultRow, _ rows: PostgresRows?, asked: ContinuousClock.Instant
    ) throws(SharedCatalogError) {
        first = UInt64(bitPattern: try row.number(0))
        isInRecovery = try row.flag(1)
        started = try row.number(2)
        clock = try row.number(3)
        otherNodes = try row.int(4)
        isAlive = try row.flag(5)
        var changes: [(transaction: UInt64, prefix: AddressPrefix)] = []
        if let rows {
            for row in rows.all {
                let prefix = UInt64(exactly: try row.number(1)).flatMap { AddressPrefix(bits: $0) }
                changes.append((UInt64(bitPattern: try row.number(0)), try row.required(prefix, 1)))
            }
        }
        self.changes = changes
        self.asked = asked
        answered = .now
    }
}

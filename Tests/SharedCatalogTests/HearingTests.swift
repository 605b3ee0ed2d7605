import Blobs
import MemoryStore
import Store
import StoreRules
import Synchronization
import TestEngines
import TestSupport
import Testing

@testable import SharedCatalog

@Suite(hasPostgres) struct HearingTests {
    private static func prefix(_ number: Int) -> AddressPrefix { AddressPrefix(ChangeWalk.address(number)) }

    @Test func `a node hears once of what others ended, and never of what it ended itself`() async throws {
        let schema = try TestSchema()
        let (node, other) = (try await schema.open("node"), try await schema.open("other"))
        for number in 0..<4 {
            try await node.upload(
                ChangeWalk.address(number), LeaseTerms(owner: ChangeWalk.secret(number), subject: "anna"))
        }
        // However slow the machine is, at some time both are there.
        let first = try await eventually {
            for node in [node, other] { try await node.beat(wall: Timestamp(seconds: 1)) }
            let news = try await node.hear(after: nil)
            return news.otherNodes == 1 && news.isAlive ? news : nil
        }
        #expect(!first.isContinuous && first.prefixes.isEmpty)
        func revoke(_ number: Int, by node: SharedCatalog) async throws {
            _ = try await node.perform(RevokeLease(on: ChangeWalk.address(number), owner: ChangeWalk.secret(number)))
        }
        try await revoke(0, by: other)
        try await revoke(1, by: node)
        try await revoke(2, by: other)
        let second = try await node.hear(after: first.position)
        #expect(
            second.isContinuous && Set(second.prefixes) == [Self.prefix(0), Self.prefix(2)]
                && second.prefixes.count == 2)
        #expect(second.clockMicroseconds >= first.clockMicroseconds && second.asked <= second.answered)
        let third = try await node.hear(after: second.position)
        #expect(third.isContinuous && third.prefixes.isEmpty)
        let others = try await other.hear(after: nil)
        try await revoke(3, by: node)
        #expect(try await other.hear(after: others.position).prefixes.contains(Self.prefix(3)))
        try await other.leave()
        #expect(try await node.hear(after: third.position).otherNodes == 0)
        await node.close()
        await other.close()
    }

    @Test func `nothing is missed or told twice, however long transactions stay open`() async throws {
        let schema = try TestSchema()
        let node = try await schema.open()
        var position = try await node.hear(after: nil).position
        let writers = 8
        let (commits, ended) = (Commits(), Counts())
        for writer in 0..<writers {
            let schema = schema
            Task {
                try? await onThread { () throws(SharedCatalogError) in
                    try Self.write(writer, schema, commits)
                }
                ended.note("writer")
            }
        }
        var heard: [AddressPrefix: ContinuousClock.Instant] = [:]
        var asked: [ContinuousClock.Instant] = []
        var isLast = false
        while true {
            let news = try await node.hear(after: position)
            position = news.position
            asked.append(news.asked)
            #expect(news.isContinuous)
            for prefix in news.prefixes {
                #expect(heard[prefix] == nil, "told twice")
                heard[prefix] = news.asked
            }
            if isLast { break }
            isLast = ended["writer"] == writers
        }
        let all = commits.all
        #expect(all.count == writers * 25)
        for (prefix, moment) in all {
            let found = try #require(heard[prefix], "missed")
            // Told by the first question that was asked behind the commit.
            let first = try #require(asked.first { $0 >= moment })
            #expect(found <= first, "late")
        }
        await node.close()
    }

    private final class Commits: Sendable {
        private let commits = Mutex([(AddressPrefix, ContinuousClock.Instant)]())
        var all: [(AddressPrefix, ContinuousClock.Instant)] { commits.withLock { $0 } }
        func note(_ prefix: AddressPrefix) { commits.withLock { $0.append((prefix, .now)) } }
    }

    /// Commits changes, of which some stay open for a while, in whatever order.
    private static func write(_ writer: Int, _ schema: TestSchema, _ commits: Commits) throws(SharedCatalogError) {
        let session: Session
        do { session = try schema.connect() } catch { throw .failed("\(error)") }
        let add = PostgresStatement("add", "INSERT INTO satchel.change (prefix) VALUES ($1::bigint)")
        let wait = PostgresStatement("wait", "SELECT pg_sleep($1::bigint / 1000.0)::text")
        for number in 0..<25 {
            session.deadline = .now + .seconds(600)
            let prefix = prefix(1000 * writer + number)
            try session.queue(.begin)
            try session.queue(add, [.init(.number(Int64(prefix.bits)))])
            try session.queue(wait, [.init(.number(number % 3 == 0 ? Int64.random(in: 1...200) : 0))])
            try session.queue(.commit)
            _ = try session.run()
            commits.note(prefix)
        }
    }

    @Test func `a number that a crash lets be given out again is heard of all the same`() async throws {
        let schema = try TestSchema()
        let node = try await schema.open()
        var round = 0
        try await eventually {
            round += 1
            // Of an earlier round, whose number may be the same.
            try schema.ask("DELETE FROM satchel.change")
            let first = try await node.hear(after: nil).position
            for _ in 0..<3 { try schema.ask("SELECT pg_current_xact_id()") }
            let second = try await node.hear(after: first)
            let prefix = Self.prefix(round)
            try schema.ask(
                "INSERT INTO satchel.change (xid, prefix) VALUES ('\(first.transaction)', \(Int64(prefix.bits)))")
            let third = try await node.hear(after: second.position)
            // A machine that takes longer than the numbers are asked for again has to try once more.
            guard third.clockMicroseconds - first.at < 5_000_000 else { return false }
            #expect(second.isContinuous && third.isContinuous && third.prefixes == [prefix])
            #expect(try await node.hear(after: third.position).prefixes.isEmpty)
            return true
        }
        await node.close()
    }

    @Test func `another run of the server, silence and too much to tell are not continuous`() async throws {
        let engine = try Engine(.postgres)
        let schema = try TestSchema(in: engine)
        let node = try await schema.open()
        let first = try await node.hear(after: nil).position
        let silent = CatalogPosition(
            transaction: first.transaction, heard: [], firsts: [], started: first.started, at: first.at - 300_000_000)
        #expect(try await !node.hear(after: silent).isContinuous)
        #expect(try await node.hear(after: first).isContinuous)
        try schema.ask("INSERT INTO satchel.change (prefix) SELECT n FROM generate_series(1, 65537) n")
        let flood = try await node.hear(after: first)
        #expect(!flood.isContinuous && flood.prefixes.isEmpty)
        let behind = try await node.hear(after: flood.position)
        #expect(behind.isContinuous && behind.prefixes.isEmpty)
        try engine.halt()
        try engine.again()
        // The connection is gone, and another one asks.
        let news = try await Self.patiently { () throws(StoreError) in try await node.hear(after: behind.position) }
        #expect(!news.isContinuous)
        #expect(try await node.hear(after: news.position).isContinuous)
        await node.close()
    }

    /// Asks until there is an answer.
    static func patiently<Value>(
        _ body: () async throws(StoreError) -> Value
    ) async throws -> Value {
        try await eventually {
            do throws(StoreError) { return try await body() } catch {
                guard case .unavailable = error else { throw error }
                return nil
            }
        }
    }
}

import Blobs
import Dispatch
import Files
import MemoryStore
import Store
import StoreRules
import Synchronization
import TestEngines
import TestSupport
import Testing

@testable import SharedCatalog

/// Rows that others change between a look at them and the writing.
@Suite(hasPostgres) struct StaleTests {
    /// Runs something once, at one step of a batch, and has the batch wait for it.
    private final class Interruption: Sendable {
        private let body = Mutex<(@Sendable () async throws -> Void)?>(nil)

        func next(_ body: @escaping @Sendable () async throws -> Void) { self.body.withLock { $0 = body } }

        var faults: FaultPoints {
            FaultPoints { point throws(FileError) in
                guard point == .sharedPageLoaded,
                    let body = self.body.withLock({ body in
                        defer { body = nil }
                        return body
                    })
                else { return }
                let isDone = DispatchSemaphore(value: 0)
                Task {
                    do { try await body() } catch { Issue.record("\(error)") }
                    isDone.signal()
                }
                isDone.wait()
            }
        }
    }

    private static func terms(_ number: Int, alias: AliasName? = nil) -> LeaseTerms {
        LeaseTerms(
            owner: ChangeWalk.secret(number), subject: "subject \(number)",
            alias: alias.map { LeaseAlias(name: $0, via: "chat") })
    }

    @Test func `what came in between is judged with`() async throws {
        let schema = try TestSchema { $0.lanes = 1 }
        let interruption = Interruption()
        let node = try await schema.open("node", faults: interruption.faults)
        let other = try await schema.open("other")
        let (shared, banned) = (ChangeWalk.address(1), ChangeWalk.address(2))

        interruption.next { try await other.upload(shared, Self.terms(1)) }
        let second = try await node.upload(shared, Self.terms(2))
        #expect(!second.outcome.isNew, "its bytes are held by now")
        #expect(try await node.find(shared)?.row.leases == 2)

        interruption.next { _ = try await other.perform(TakeDownBlob(banned, banning: true)) }
        await #expect(throws: StoreError.banned) { try await node.upload(banned, Self.terms(1)) }

        interruption.next { try await other.upload(ChangeWalk.address(3), Self.terms(3, alias: ChangeWalk.aliases[0])) }
        await #expect(throws: StoreError.aliasTaken) {
            try await node.upload(ChangeWalk.address(4), Self.terms(4, alias: ChangeWalk.aliases[0]))
        }
        #expect(node.commitFigures.retries >= 3)
        let garbage = try schema.number("SELECT count(*) FROM satchel.garbage")
        #expect(garbage == 1, "the object that was held before")
        await node.close()
        await other.close()
        try ManyNodesTests.expectAgreement(schema, limits: .generous)
    }

    @Test func `a batch that finds out late whom it charges waits for nobody, and begins anew`() async throws {
        let schema = try TestSchema { $0.lanes = 1 }
        let interruption = Interruption()
        let node = try await schema.open("node", faults: interruption.faults)
        try await node.upload(ChangeWalk.address(1), Self.terms(1))
        let gate = try await Gate(node)
        // The upload locks its subject, and only then the subject of the lease that ends is known.
        let upload = Task { try await node.upload(ChangeWalk.address(9), Self.terms(9)) }
        try await eventually { node.waitingChanges == 1 }
        let revocation = Task {
            try await node.perform(RevokeLease(on: ChangeWalk.address(1), owner: ChangeWalk.secret(1)))
        }
        let connector = try Connector(schema.settings)
        let (holds, holder) = (Counts(), Counts())
        interruption.next {
            Task {
                try await onThread { () throws(SharedCatalogError) in
                    let session = try connector.connect()
                    session.deadline = .now + .seconds(600)
                    try session.queue(.begin)
                    try session.queue(.lockCharges, [.texts(["subject 1"])])
                    _ = try session.run()
                    holds.note("held")
                    while node.commitFigures.retries == 0 {
                        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + 0.01)
                    }
                    session.rollBack()
                }
                holder.note("ended")
            }
            try await eventually { holds["held"] == 1 }
        }
        try await gate.open(node, whenWaiting: 2)
        #expect(try await upload.value.outcome.isNew)
        #expect(try await !revocation.value.endsFindings.isEmpty)
        try await eventually { holder["ended"] == 1 }
        #expect(node.commitFigures.retries == 1)
        await node.close()
        try ManyNodesTests.expectAgreement(schema, limits: .generous)
    }

    @Test func `sweeps leave out what others are at, and come back for it`() async throws {
        let schema = try TestSchema { $0.lanes = 1 }
        let time = TestTime()
        let node = try await schema.open(now: { time.now })
        for number in 0..<10 { try await node.upload(ChangeWalk.address(number), Self.terms(number)) }
        time.now.seconds += 3 * 86_400
        let session = try schema.connect()
        session.deadline = .now + .seconds(600)
        try session.queue(.begin)
        try session.queue(.lockBlobs, [.addresses([ChangeWalk.address(3), ChangeWalk.address(5)])])
        _ = try session.run()
        #expect(try await node.perform(EndDueLeases(limit: 100)).outcome == 8)
        #expect(try await node.perform(EndDueLeases(limit: 100)).outcome == 0)
        session.rollBack()
        #expect(try await node.perform(EndDueLeases(limit: 100)).outcome == 2)
        let unheld = try await node.read { reader throws(SharedCatalogError) in
            try reader.unheldBlobs(after: nil, limit: 100)
        }
        #expect(unheld.count == 10)
        _ = try await node.perform(MarkForRemoval(unheld.map(\.address)))
        _ = try await node.perform(FinishRemovals(unheld.map(\.address)))
        #expect(try schema.number("SELECT count(*) FROM satchel.garbage") == 10)
        #expect(try schema.number("SELECT count(*) FROM satchel.blob WHERE state = 4 AND object IS NULL") == 10)
        time.now.seconds += 86_400
        #expect(try await node.perform(DropForgotten(endedBefore: time.now, limit: 100)).outcome == 10)
        #expect(try await node.perform(DropForgotten(endedBefore: time.now, limit: 100)).outcome == 10)
        #expect(try await node.perform(DropIdleSubjects(overBy: time.now, limit: 100)).outcome == 10)
        #expect(try await node.read { reader throws(SharedCatalogError) in try reader.sums() } == StoreSums())
        #expect(try schema.number("SELECT count(*) FROM satchel.charge") == 0)
        await node.close()
    }

    @Test func `whoever holds a row for long fails those who want it, and nobody else`() async throws {
        let schema = try TestSchema {
            $0.lanes = 1
            $0.patience = .seconds(20)
        }
        let node = try await schema.open()
        let (held, free) = (ChangeWalk.address(1), ChangeWalk.address(2))
        try await node.upload(held, Self.terms(1))
        let session = try schema.connect()
        session.deadline = .now + .seconds(600)
        try session.queue(.begin)
        try session.queue(.lockBlobs, [.addresses([held])])
        _ = try session.run()
        let gate = try await Gate(node)
        let wants = Task { try await node.upload(held, Self.terms(2)) }
        try await eventually { node.waitingChanges == 1 }
        let other = Task { try await node.upload(free, Self.terms(3)) }
        try await gate.open(node, whenWaiting: 2)
        await #expect {
            try await wants.value
        } throws: { error in
            if case StoreError.unavailable = error { true } else { false }
        }
        _ = await other.result
        // Alone it is made at once: the connection is as good as before.
        try await node.upload(free, Self.terms(4))
        session.rollBack()
        try await node.upload(held, Self.terms(2))
        #expect(try await node.find(held)?.row.leases == 2)
        await node.close()
    }

    @Test func `two sweeps beside committing nodes wait for nobody in a circle`() async throws {
        let schema = try TestSchema { $0.lanes = 2 }
        let time = TestTime()
        let nodes = try await ManyNodesTests.nodes(2, schema, time)
        let counts = Counts()
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<16 {
                group.addTask {
                    for turn in 0..<40 {
                        let number = client * 40 + turn
                        let terms = LeaseTerms(
                            lifetime: Lifetime(seconds: 1), owner: ChangeWalk.secret(number),
                            subject: "subject \(number % 20)")
                        do throws(StoreError) {
                            try await nodes[client % 2].upload(ChangeWalk.address(number % 50), terms)
                        } catch { Issue.record("\(error)") }
                        if turn % 5 == 0 { time.now.seconds += 1 }
                    }
                    counts.note("client")
                }
            }
            for node in nodes {
                group.addTask {
                    while counts["client"] < 16 {
                        do throws(StoreError) {
                            _ = try await node.perform(EndDueLeases(limit: 500))
                        } catch { Issue.record("\(error)") }
                        let unheld =
                            (try? await node.read { reader throws(SharedCatalogError) in
                                try reader.unheldBlobs(after: nil, limit: 500)
                            }) ?? []
                        for step in [0, 1] {
                            do throws(StoreError) {
                                let addresses = unheld.map(\.address)
                                if step == 0 {
                                    _ = try await node.perform(MarkForRemoval(addresses))
                                } else {
                                    _ = try await node.perform(FinishRemovals(addresses))
                                }
                            } catch { Issue.record("\(error)") }
                        }
                    }
                }
            }
        }
        for node in nodes { await node.close() }
        try ManyNodesTests.expectAgreement(schema, limits: .generous)
        #expect(try ManyNodesTests.deadlocks(schema) == 0)
    }
}

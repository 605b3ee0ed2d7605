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

/// Connections that are lost in the midst of a batch: what is told is true, and nothing is made twice.
@Suite(hasPostgres) struct LostAnswerTests {
    /// Ends the lanes' connections of a schema at one step, so many times.
    private final class Breaker: Sendable {
        private let left: Mutex<Int>
        private let point: FaultPoint
        private let schema: TestSchema
        private let isBlind: Bool
        let breaks = Counts()

        init(_ point: FaultPoint, times: Int = 1, isBlind: Bool = false, _ schema: TestSchema) {
            left = Mutex(times)
            self.point = point
            self.schema = schema
            self.isBlind = isBlind
        }

        var faults: FaultPoints {
            FaultPoints { point throws(FileError) in
                guard point == self.point,
                    self.left.withLock({ left in
                        left -= 1
                        return left >= 0
                    })
                else { return }
                self.breaks.note("break")
                // The answer is on its way, and is not looked at.
                if self.isBlind {
                    self.awaitCommit()
                    throw FileError(operation: "lose", path: "an answer", code: 5)
                }
                self.endAll()
            }
        }

        /// Returns once no transaction of this schema is open. A connection that is closed too early takes a commit with it.
        private func awaitCommit() {
            let isOpen = """
                SELECT count(*) FROM pg_stat_activity
                WHERE pid <> pg_backend_pid() AND application_name = '\(schema.settings.schema)'
                    AND state IN ('idle in transaction', 'active')
                """
            while (try? schema.number(isOpen)) != 0 { _ = DispatchSemaphore(value: 0).wait(timeout: .now() + 0.005) }
        }

        /// Whoever is in a transaction of this schema.
        private func endAll() {
            _ = try? schema.ask(
                """
                SELECT pg_terminate_backend(pid, 10000)::int FROM pg_stat_activity
                WHERE pid <> pg_backend_pid() AND application_name = '\(schema.settings.schema)'
                    AND state IN ('idle in transaction', 'active')
                """)
        }
    }

    private static func schema() throws -> TestSchema {
        try TestSchema { settings in
            settings.lanes = 1
            settings.connection = ConnectionString(
                settings.connection.text + " application_name=\(settings.schema)")
        }
    }

    @Test(arguments: [FaultPoint.sharedPageLoaded, .sharedPageJudged, .sharedRowsQueued])
    func `a connection that is lost before the commit was sent costs nothing but another try`(point: FaultPoint)
        async throws
    {
        let schema = try Self.schema()
        let breaker = Breaker(point, schema)
        let catalog = try await schema.open(faults: breaker.faults)
        let made = try await catalog.upload(
            ChangeWalk.address(1), LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna"))
        #expect(made.outcome.isNew && breaker.breaks["break"] == 1)
        #expect(try schema.number("SELECT count(*) FROM satchel.lease") == 1)
        await catalog.close()
        try ManyNodesTests.expectAgreement(schema, limits: .generous)
    }

    @Test func `a connection that is lost behind the commit is asked about`() async throws {
        let schema = try Self.schema()
        let breaker = Breaker(.sharedCommitSent, times: 10, schema)
        let catalog = try await schema.open(faults: breaker.faults)
        for number in 0..<20 {
            let made = try await catalog.upload(
                ChangeWalk.address(number), LeaseTerms(owner: ChangeWalk.secret(number), subject: "anna"))
            #expect(made.outcome.address == ChangeWalk.address(number))
        }
        #expect(breaker.breaks["break"] == 10)
        #expect(try schema.number("SELECT count(*) FROM satchel.lease") == 20)
        await catalog.close()
        try ManyNodesTests.expectAgreement(schema, limits: .generous)
    }

    @Test func `an answer that was not looked at is found out, whatever it was`() async throws {
        let schema = try Self.schema()
        let breaker = Breaker(.sharedCommitSent, times: 5, isBlind: true, schema)
        let told = Told()
        let catalog = try await schema.open(changed: { told.note($0, $1) }, faults: breaker.faults)
        for number in 0..<10 {
            let made = try await catalog.upload(
                ChangeWalk.address(number), LeaseTerms(owner: ChangeWalk.secret(number), subject: "anna"))
            #expect(made.outcome.isNew, "it was committed, and is not made twice")
        }
        #expect(breaker.breaks["break"] == 5 && catalog.commitFigures.lostAnswers == 5)
        #expect(told.touched.count == 10)
        // A revocation is not made twice either.
        let revoked = try await catalog.perform(RevokeLease(on: ChangeWalk.address(3), owner: ChangeWalk.secret(3)))
        #expect(revoked.endsFindings == [AddressPrefix(ChangeWalk.address(3))])
        #expect(try schema.number("SELECT count(*) FROM satchel.lease WHERE ended IS NULL") == 9)
        await catalog.close()
        try ManyNodesTests.expectAgreement(schema, limits: .generous)
    }

    @Test func `a mark that was not committed says that nothing was`() async throws {
        let schema = try Self.schema()
        let catalog = try await schema.open()
        try await catalog.upload(ChangeWalk.address(1), LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna"))
        let connector = try Connector(schema.settings)
        let fates = try await onThread { () throws(SharedCatalogError) in
            let lane = SharedTransaction.Lane(
                node: catalog.node.id, place: 0, slot: 0, numbers: LeaseNumbers(), removalDelaySeconds: 0)
            var fates: [LostCommit.CommitFate] = []
            // One that is still open when it is asked about: the server ends it when its connection is closed.
            for isCommitted in [false, true] {
                let session = try connector.connect()
                let transaction = SharedTransaction(session, lane)
                var page = CatalogPage(now: Timestamp(seconds: 1))
                try transaction.load(&page)
                if isCommitted {
                    try session.queue(.commit)
                    _ = try session.run()
                }
                guard let lost = LostCommit(transaction, connector) else { throw .closed }
                session.abandon()
                fates.append(lost.find())
            }
            return fates
        }
        #expect(fates == [.aborted, .committed])
        await catalog.close()
    }

    @Test func `the first batch of a lane is waited for, though there is no mark of it yet`() async throws {
        let schema = try Self.schema()
        let catalog = try await schema.open()
        var impatient = schema.settings
        impatient.patience = .seconds(1)
        let (connector, asking) = (try Connector(schema.settings), try Connector(impatient))
        let fates = try await onThread { () throws(SharedCatalogError) in
            let lane = SharedTransaction.Lane(
                node: catalog.node.id, place: 7, slot: 0, numbers: LeaseNumbers(), removalDelaySeconds: 0)
            let session = try connector.connect()
            let transaction = SharedTransaction(session, lane)
            var page = CatalogPage(now: Timestamp(seconds: 1))
            try transaction.load(&page)
            guard let hasty = LostCommit(transaction, asking), let patient = LostCommit(transaction, connector) else {
                throw .closed
            }
            let whileOpen = hasty.find()
            session.deadline = .now + .seconds(600)
            try session.queue(.commit)
            _ = try session.run()
            return [whileOpen, patient.find()]
        }
        #expect(fates == [.unknown, .committed])
        await catalog.close()
    }

    @Test func `a commit that was told to wait for no standby is not taken for one that every server has`() async throws
    {
        let engine = try Engine(.postgres)
        let schema = try TestSchema(in: engine) { $0.lanes = 1 }
        let catalog = try await schema.open()
        try await catalog.upload(ChangeWalk.address(1), LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna"))
        func setStandbys(_ names: String) throws {
            try schema.ask("ALTER SYSTEM SET synchronous_standby_names = '\(names)'")
            try schema.ask("SELECT pg_reload_conf()")
        }
        try setStandbys("nobody")
        let upload = Task { () async throws in
            try await catalog.upload(ChangeWalk.address(2), LeaseTerms(owner: ChangeWalk.secret(2), subject: "anna"))
        }
        let waits = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        let first = try await eventually {
            let pid = try schema.number("SELECT coalesce(min(pid), 0) \(waits)")
            return pid == 0 ? nil : pid
        }
        try schema.ask("SELECT pg_cancel_backend(\(first))::int")
        // It is asked about, by somebody who waits for the standby as well.
        try await eventually { try schema.number("SELECT count(*) \(waits) AND pid <> \(first)") > 0 }
        try setStandbys("")
        #expect(try await upload.value.outcome.isNew)
        #expect(catalog.commitFigures.lostAnswers == 1)
        await catalog.close()
    }

    @Test func `a server that crashes behind the commit is asked when it is there again`() async throws {
        let engine = try Engine(.postgres)
        let schema = try TestSchema(in: engine) { $0.lanes = 1 }
        let crashes = Counts()
        let catalog = try await schema.open(
            faults: FaultPoints { point throws(FileError) in
                guard point == .sharedCommitSent, crashes["crash"] < 3 else { return }
                crashes.note("commit")
                // Every other time: a batch is not begun again for ever.
                guard crashes["commit"].isMultiple(of: 2) else { return }
                crashes.note("crash")
                do {
                    try engine.halt()
                    try engine.again()
                } catch { Issue.record("\(error)") }
            })
        for number in 0..<6 {
            do throws(StoreError) {
                let made = try await catalog.upload(
                    ChangeWalk.address(number), LeaseTerms(owner: ChangeWalk.secret(number), subject: "anna"))
                #expect(made.outcome.address == ChangeWalk.address(number))
            } catch { Issue.record("\(error)") }
        }
        #expect(crashes["crash"] == 3)
        #expect(try schema.number("SELECT count(*) FROM satchel.lease") == 6)
        await catalog.close()
        try ManyNodesTests.expectAgreement(schema, limits: .generous)
    }
}

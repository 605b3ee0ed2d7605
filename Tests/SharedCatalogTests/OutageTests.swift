import Blobs
import MemoryStore
import Store
import StoreRules
import TestEngines
import TestSupport
import Testing

@testable import SharedCatalog

/// A database that hangs, and one that goes away: nobody waits for long, and all goes well again afterwards.
@Suite(hasPostgres) struct OutageTests {
    @Test func `a database that hangs is given up by everybody who asks, and used again once it answers`() async throws
    {
        let engine = try Engine(.postgres)
        let schema = try TestSchema(in: engine) { $0.patience = .seconds(2) }
        let catalog = try await schema.open()
        let terms = LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna")
        try await HearingTests.patiently { () throws(StoreError) in
            _ = try await catalog.upload(ChangeWalk.address(1), terms)
        }
        for _ in 0..<2 {
            try engine.pause()
            for _ in 0..<2 { await Self.expectRefusals(catalog) }
            try engine.resume()
            try await Self.expectRecovery(catalog)
        }
        let revoked = try await catalog.perform(RevokeLease(on: ChangeWalk.address(1), owner: ChangeWalk.secret(1)))
        #expect(!revoked.endsFindings.isEmpty)
        await catalog.close()
        try ManyNodesTests.expectAgreement(schema, limits: .generous)
    }

    @Test func `a database that went away refuses at once, and is found again`() async throws {
        let engine = try Engine(.postgres)
        let schema = try TestSchema(in: engine) { $0.patience = .seconds(20) }
        let catalog = try await schema.open()
        try await HearingTests.patiently { () throws(StoreError) in
            _ = try await catalog.upload(
                ChangeWalk.address(1), LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna"))
        }
        try engine.halt()
        await Self.expectRefusals(catalog)
        // What waits is bounded, and so is what is refused.
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<1000 {
                group.addTask { await Self.expectRefusal { _ = try await catalog.find(ChangeWalk.address(1)) } }
            }
        }
        try engine.again()
        try await Self.expectRecovery(catalog)
        #expect(try await catalog.find(ChangeWalk.address(1))?.row.leases == 1)
        await catalog.close()
    }

    @Test func `a catalog that is closed refuses, and closing takes no longer than patience`() async throws {
        let engine = try Engine(.postgres)
        let schema = try TestSchema(in: engine) { $0.patience = .seconds(2) }
        let catalog = try await schema.open()
        try engine.pause()
        let asked = Task { await Self.expectRefusals(catalog) }
        let start = ContinuousClock.now
        await catalog.close()
        #expect(ContinuousClock.now - start < .seconds(60))
        await asked.value
        await #expect(throws: StoreError.storeIsClosing) { try await catalog.find(ChangeWalk.address(1)) }
        try engine.resume()
    }

    /// Every kind of call, all at once.
    private static func expectRefusals(_ catalog: SharedCatalog) async {
        await withTaskGroup(of: Void.self) { group in
            for number in 10..<40 {
                group.addTask {
                    await expectRefusal {
                        try await catalog.upload(
                            ChangeWalk.address(number), LeaseTerms(owner: ChangeWalk.secret(number), subject: "bert"))
                    }
                }
                group.addTask { await expectRefusal { _ = try await catalog.find(ChangeWalk.address(number)) } }
            }
            group.addTask { await expectRefusal { _ = try await catalog.find(ChangeWalk.aliases[1]) } }
            group.addTask { await expectRefusal { _ = try await catalog.hear(after: nil) } }
            group.addTask { await expectRefusal { try await catalog.beat(wall: Timestamp(seconds: 1)) } }
            group.addTask {
                await expectRefusal {
                    _ = try await catalog.read { reader throws(SharedCatalogError) in try reader.sums() }
                }
            }
            group.addTask {
                await expectRefusal {
                    try await catalog.judge(
                        AdmitLease(
                            address: nil, size: 1, terms: LeaseTerms(subject: "anna"), bytesUnderWay: 0,
                            limits: .generous))
                }
            }
        }
    }

    /// It fails, within twice its patience: a commit that was sent is asked about.
    private static func expectRefusal(_ body: () async throws -> Void) async {
        let start = ContinuousClock.now
        do {
            try await body()
            Issue.record("it was not refused")
        } catch StoreError.unavailable, StoreError.outcomeUnknown {
        } catch { Issue.record("\(error)") }
        // The machine may be slow, but not as slow as that.
        #expect(ContinuousClock.now - start < .seconds(45))
    }

    private static func expectRecovery(_ catalog: SharedCatalog) async throws {
        try await HearingTests.patiently { () throws(StoreError) in
            _ = try await catalog.perform(TakeDownBlob(ChangeWalk.address(99), banning: false))
        }
        try await HearingTests.patiently { () throws(StoreError) in _ = try await catalog.find(ChangeWalk.address(1)) }
        try await HearingTests.patiently { () throws(StoreError) in _ = try await catalog.hear(after: nil) }
        try await HearingTests.patiently { () throws(StoreError) in try await catalog.beat(wall: Timestamp(seconds: 1))
        }
        try await HearingTests.patiently { () throws(StoreError) in
            _ = try await catalog.read { reader throws(SharedCatalogError) in try reader.sums() }
        }
    }
}

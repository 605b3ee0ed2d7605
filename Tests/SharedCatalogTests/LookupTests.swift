import Blobs
import MemoryStore
import Store
import StoreRules
import TestEngines
import TestSupport
import Testing

@testable import SharedCatalog

@Suite(hasPostgres) struct LookupTests {
    @Test func `a lookup finds the row, and where the bytes are`() async throws {
        let schema = try TestSchema()
        let catalog = try await schema.open()
        let (single, listed) = (ChangeWalk.address(1), ChangeWalk.address(2))
        let object = ObjectID.random()
        try await catalog.upload(single, LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna"), object: object)
        let list = ObjectID.random()
        let parts = (0..<1500).map { number in
            ObjectRow(id: .random(), list: list, number: number, size: 10, digest: ChangeWalk.address(number))
        }
        let alias = LeaseAlias(name: ChangeWalk.aliases[1], via: "chat")
        _ = try await catalog.perform {
            CommitUpload(
                address: listed, size: 15_000,
                terms: LeaseTerms(owner: ChangeWalk.secret(2), subject: "anna", alias: alias), limits: .generous,
                bytes: .asRecorded)
        } objects: { _, page throws(StoreError) in
            for part in parts { page.add(part) }
            page.hold(listed, by: BlobObject(id: list, isList: true))
        }
        let first = try #require(try await catalog.find(single))
        #expect(first.object == BlobObject(id: object, isList: false) && first.parts.isEmpty)
        #expect(first.row.state == .held && first.row.leases == 1 && first.row.size == 5000)
        let second = try #require(try await catalog.find(listed))
        #expect(second.object == BlobObject(id: list, isList: true) && second.parts == parts)
        let aliased = try #require(try await catalog.find(ChangeWalk.aliases[1]))
        #expect(aliased.blob == second && aliased.lease.owner == ChangeWalk.secret(2) && aliased.lease.via == "chat")
        #expect(try await catalog.find(ChangeWalk.address(3)) == nil)
        #expect(try await catalog.find(ChangeWalk.aliases[2]) == nil)
        let reader = try await catalog.read { reader throws(SharedCatalogError) in
            (
                try reader.blobs([listed, ChangeWalk.address(3), single]), try reader.parts(of: list),
                try reader.address(of: ChangeWalk.aliases[1]), try reader.presentBlobs(after: nil, limit: 10)
            )
        }
        #expect(reader.0 == [second, nil, first] && reader.1 == parts && reader.2 == listed)
        #expect(Set(reader.3) == [first, second])
        await catalog.close()
    }

    @Test func `lookups that wait share a question`() async throws {
        let schema = try TestSchema()
        let catalog = try await schema.open()
        for number in 0..<20 {
            try await catalog.upload(
                ChangeWalk.address(number), LeaseTerms(owner: ChangeWalk.secret(number), subject: "anna"))
        }
        try await withThrowingTaskGroup(of: (Int, FoundBlob?).self) { group in
            for number in 0..<2000 {
                group.addTask { (number, try await catalog.find(ChangeWalk.address(number % 40))) }
            }
            for try await (number, found) in group {
                #expect(found?.row.address == (number % 40 < 20 ? ChangeWalk.address(number % 40) : nil))
            }
        }
        #expect(catalog.lookupQuestions < 1000, "of 2,000 lookups, however fast each is")
        await catalog.close()
    }

    /// Before the database has counted the rows of a new store, all indexes look alike to it.
    @Test func `a subject's lease on an address is not looked for among all of the subject's`() async throws {
        let schema = try TestSchema()
        await (try await schema.open()).close()
        let session = try schema.connect()
        func indexes(of statement: PostgresStatement, _ parameters: [PostgresParameter], _ written: String) throws
            -> String
        {
            try session.queue(.plainPlans)
            try session.queue(statement, parameters)
            try session.queue(
                PostgresStatement("explain \(written)", "EXPLAIN EXECUTE \"\(statement.name)\" (\(written))"))
            let lines = try #require(try session.run()[2]).all.map { $0.bytes(0) ?? [] }
            return lines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        }
        let unowned = try indexes(
            of: .findUnownedLeases, [.numbers([0]), .addresses([ChangeWalk.address(1)]), .texts(["anna"])],
            "'{0}', '{a}', '{anna}'")
        #expect(unowned.contains("(address = k.address)") && !unowned.contains("lease_of_subject"), "\(unowned)")
        let ends = try indexes(of: .findNextEndsOfSubjects, [.numbers([0]), .texts(["anna"])], "'{0}', '{anna}'")
        #expect(ends.contains("using lease_of_subject "), "\(ends)")
        let all = try indexes(of: .findLeasesOfSubject, [.init(.text("anna")), .init(.number(10))], "'anna', 10")
        #expect(all.contains("using lease_of_subject "), "\(all)")
    }
}

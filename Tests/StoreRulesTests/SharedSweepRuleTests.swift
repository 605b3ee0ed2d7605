import Blobs
import MemoryStore
import Store
import StoreRules
import Testing

/// The rules that stand between a wrong clock or an old catalog and the objects of a store that several nodes share.
@Suite struct SharedSweepRuleTests {
    // MARK: Clocks

    @Test(
        arguments: [
            (story: "nobody has told", differences: [], accepted: 0, hold: nil),
            (story: "one node, ten minutes", differences: [600], accepted: 0, hold: nil),
            (story: "one node, more", differences: [-601], accepted: 0, hold: 601),
            (story: "one of three is wrong", differences: [5, -86_400, 2], accepted: 0, hold: nil),
            (story: "two of three agree that the database is", differences: [700, 3, 800], accepted: 0, hold: 700),
            (story: "one of two stands by it", differences: [3, 9000], accepted: 0, hold: nil),
            (story: "two of four, on both sides", differences: [-9000, -20, 9000, 9000], accepted: 0, hold: nil),
            (story: "a person has accepted it", differences: [86_400], accepted: 86_300, hold: nil),
            (story: "a person has accepted less", differences: [86_400], accepted: 80_000, hold: 86_400),
            (story: "what was accepted is right again by itself", differences: [10], accepted: 80_000, hold: nil),
            (story: "numbers at their ends", differences: [.min], accepted: .max, hold: .max),
        ] as [(story: String, differences: [Int64], accepted: Int64, hold: Int64?)])
    func `the database's clock is compared with what most nodes say`(
        story: String, differences: [Int64], accepted: Int64, hold: Int64?
    ) {
        let found = NodeClocks.hold(differences: differences, accepted: accepted)
        #expect(found == hold.map { .databaseParted(seconds: $0) }, "\(story)")
    }

    @Test func `what a person accepts is what the nodes say at that moment, and nothing where they agree`() {
        #expect(NodeClocks.acceptance(of: [86_400, 86_402, 3]) == 86_400)
        #expect(NodeClocks.acceptance(of: [599]) == 0 && NodeClocks.acceptance(of: []) == 0)
        let far = NodeClocks.difference(database: Timestamp(seconds: .max), node: Timestamp(seconds: -1))
        #expect(far == .max)
        #expect(NodeClocks.difference(database: Timestamp(seconds: 5), node: Timestamp(seconds: 8)) == -3)
    }

    // MARK: Which catalog it is

    private static let tokens: [PassToken] = (0..<6).reduce(into: []) { tokens, _ in
        tokens.append(.next(after: tokens.last))
    }

    @Test func `a catalog that was put back from a copy is known by its last sweep`() {
        let tokens = Self.tokens
        let objects = [tokens[2], tokens[3], tokens[4]]
        #expect(!PassRule.isPutBack(catalog: tokens[4], objects: objects))
        #expect(!PassRule.isPutBack(catalog: tokens[3], objects: objects), "the sweep died before its row was written")
        #expect(PassRule.isPutBack(catalog: tokens[2], objects: objects))
        #expect(PassRule.isPutBack(catalog: tokens[0], objects: objects))
        #expect(PassRule.isPutBack(catalog: nil, objects: objects))
        #expect(PassRule.isPutBack(catalog: tokens[5], objects: objects), "its object is not there")
        let elsewhere = PassToken.next(after: tokens[3])
        #expect(elsewhere.number == tokens[4].number)
        #expect(PassRule.isPutBack(catalog: elsewhere, objects: objects), "it went on by itself, elsewhere")
        #expect(
            !PassRule.isPutBack(catalog: elsewhere, objects: objects + [elsewhere]), "two were about to be the next")
    }

    @Test func `before the first sweep neither knows of one; objects that lost theirs are suspicious`() {
        let first = Self.tokens[0]
        #expect(!PassRule.isPutBack(catalog: nil, objects: []))
        #expect(!PassRule.isPutBack(catalog: nil, objects: [first]), "the first sweep died before its row was written")
        #expect(!PassRule.isPutBack(catalog: first, objects: [first]))
        #expect(PassRule.isPutBack(catalog: first, objects: []))
    }

    @Test func `once a person trusts an old catalog, the right one that comes after all is found out too`() {
        let tokens = Self.tokens
        let trusted = PassToken.next(beyond: [tokens[4], tokens[5]])
        #expect(!PassRule.isPutBack(catalog: trusted, objects: [tokens[5], trusted]))
        #expect(PassRule.isPutBack(catalog: tokens[5], objects: [tokens[5], trusted]))
        #expect(PassRule.isPutBack(catalog: .next(after: tokens[5]), objects: [tokens[5], trusted]))
        #expect(PassRule.outdated(tokens, by: tokens[5]) == Array(tokens[0..<4]))
    }

    @Test func `a token is read as it was written, and as nothing else`() {
        let token = Self.tokens[1]
        #expect(PassToken("\(token)") == token && token.number == 2)
        #expect("\(Self.tokens[4])" < "\(PassToken.next(beyond: Self.tokens))")
        let zeros = String(repeating: "0", count: 18)
        for text in [
            "", "2", "\(zeros)2", "\(zeros)2-", "2-0123456789abcdef", "\(zeros)2-0123456789ABCDEF",
            "-\(zeros)2-0123456789abcdef", "\(zeros)2-0123456789abcde", "\(zeros)02-0123456789abcdef",
        ] {
            #expect(PassToken(text) == nil, "\(text)")
        }
        let last = PassToken("9223372036854775807-0123456789abcdef")
        #expect(last?.number == .max && PassToken.next(after: last).number == .max)
    }

    // MARK: Objects that nobody names

    @Test(arguments: [
        (found: 64, accounted: 0, nodes: 0, keeps: false),
        (found: 65, accounted: 0, nodes: 1, keeps: true),
        (found: 192, accounted: 0, nodes: 3, keeps: false),
        (found: 193, accounted: 0, nodes: 3, keeps: true),
        (found: 1000, accounted: 99_000, nodes: 1, keeps: false),
        (found: 1001, accounted: 99_000, nodes: 1, keeps: true),
        (found: 100_001, accounted: 90_000_000, nodes: 5000, keeps: true),
        (found: 0, accounted: 0, nodes: .max, keeps: false),
    ]) func `more forgotten objects than crashes leave are kept`(found: Int, accounted: Int, nodes: Int, keeps: Bool) {
        let reason = ForgottenObjects.reasonToKeep(
            found: found, accounted: accounted, nodes: nodes, isPutBack: false, options: CollectOptions())
        #expect((reason != nil) == keeps)
        let asked = ForgottenObjects.reasonToKeep(
            found: found, accounted: accounted, nodes: nodes, isPutBack: true, options: CollectOptions(orphans: true))
        #expect(asked == nil, "an operator has said so")
        let putBack = ForgottenObjects.reasonToKeep(
            found: found, accounted: accounted, nodes: nodes, isPutBack: true, options: CollectOptions())
        #expect(putBack != nil)
    }

    // MARK: Changes

    @Test func `due leases end and what nobody holds any more is a tombstone, in one change`() throws {
        var catalog = MemoryCatalog()
        for number in 1...3 {
            try catalog.made(Sample.upload(number, Sample.terms(owner: number, lifetime: .days(1))), at: 0)
        }
        try catalog.made(Sample.upload(3, Sample.terms(owner: 4, lifetime: .days(3)), fileSize: 5000), at: 0)
        let first = try catalog.made(EndDueLeasesAndRemove(limit: 2), at: 86_400)
        #expect(first.leases == 2 && first.removed.count == catalog.sums.gone.count)
        let second = try catalog.made(EndDueLeasesAndRemove(limit: 2), at: 86_400)
        #expect(second.leases == 1 && first.removed.count + second.removed.count == 2)
        #expect(first.removed.bytes + second.removed.bytes == 10_000)
        #expect(catalog.blob(1)?.state == .gone && catalog.blob(1)?.reason == .expired)
        #expect(catalog.blob(3)?.state == .held && catalog.isConsistent)
        #expect(try catalog.made(EndDueLeasesAndRemove(limit: 2), at: 86_400).leases == 0)
    }

    @Test func `of blobs that are named only those go that nobody holds`() throws {
        var catalog = MemoryCatalog()
        for number in 1...2 { try catalog.made(Sample.upload(number, Sample.terms(owner: number)), at: 0) }
        try catalog.made(RevokeLease(on: Sample.address(1), owner: Sample.secret(1)), at: 10)
        let removed = try catalog.made(RemoveUnheld((1...3).map(Sample.address)), at: 20)
        #expect(removed == RemovedBlobs(count: 1, bytes: 5000))
        #expect(catalog.blob(1)?.state == .gone && catalog.blob(2)?.state == .held && catalog.isConsistent)
    }

    @Test func `an upload that went on since it was seen to be due stays`() throws {
        var catalog = MemoryCatalog()
        let ids = [UploadID.random(), UploadID.random()]
        for id in ids {
            let announcement = UploadAnnouncement(size: 10, address: nil, terms: Sample.terms())
            try catalog.made(CreateUpload(id: id, announcement: announcement, lifetime: .days(1)), at: 0)
        }
        try catalog.made(AdvanceUpload(id: ids[0], offset: 5, length: nil, lifetime: .days(1)), at: 10)
        let dropped = try catalog.made(DropDueUploads(ids + [.random()]), at: 86_400)
        #expect(dropped.map(\.id) == [ids[1]] && Array(catalog.uploads.keys) == [ids[0]])
    }
}

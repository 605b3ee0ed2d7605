import Blobs
import CacheFolder
import Store
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import Edge

/// Where the contract of an edge is not that of the store behind it: it hears of a change soon after that was acknowledged,
/// or learns of it when what it knows is too old.
@Suite(.timeLimit(.minutes(15))) struct EdgeContractTests {
    private let bytes = content(95, count: 100_000)
    private var blob: BlobAddress { address(of: bytes) }

    // MARK: Validity

    @Test(arguments: ReadKind.followingEdges)
    func `soon after a change that ends or shortens what was found, no token from before it is current`(
        kind: ReadKind
    ) async throws {
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            let store = scene.store
            let other = scene.reads.validity(of: address(of: content(92)))
            try await store.upload(
                bytes, on: terms(owner: 1, lifetime: .days(4), recipients: 1, receipts: [secret(9)]))
            try await store.upload(bytes, on: terms(owner: 2, lifetime: .days(3)))
            try await expectEnded(scene, "an earlier end") {
                _ = try await store.renew(on: blob, owner: secret(1), lifetime: .days(1), subject: nil)
            }
            try await expectEnded(scene, "the later of two leases ends") {
                try await store.revoke(on: blob, owner: secret(2))
            }
            try await expectEnded(scene, "all have it") {
                try await store.confirmDelivery(of: blob, to: recipient(1), secret: secret(9))
            }
            try await expectEnded(scene, "the last lease ends") { try await store.revoke(on: blob, owner: secret(1)) }
            try await store.upload(bytes, on: terms(owner: 3))
            try await expectEnded(scene, "the operator takes it down") {
                _ = try await store.remove(RemoveOptions(address: blob, action: .takeDown))
            }
            try await store.upload(bytes, on: terms(owner: 4))
            try await expectEnded(scene, "the operator bans it") {
                _ = try await store.remove(RemoveOptions(address: blob, action: .ban))
            }
            // A token is not current either while the feed is not heard.
            try await eventually { other.isCurrent }
        }
    }

    @Test(arguments: ReadKind.followingEdges)
    func `what is new, and what lasts longer, ends no token, and is learned when the former end has come`(
        kind: ReadKind
    ) async throws {
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            let first = try await scene.store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            let token = scene.reads.validity(of: blob)
            #expect(try await scene.reads.held(blob).sunset == first.expires)
            let second = try await scene.store.upload(bytes, on: terms(owner: 2, lifetime: .days(2)))
            try await scene.hearChanges()
            try await eventually { token.isCurrent }
            #expect(try await scene.reads.held(blob).sunset == first.expires)
            fixture.clock.pass(seconds: 86_400)
            #expect(try await scene.reads.held(blob).sunset == second.expires)
        }
    }

    /// Does something to the blob, of which whoever follows hears. A finding from before it is current until then.
    private func expectEnded(_ scene: ReadScene, _ what: Comment, _ body: () async throws -> Void) async throws {
        let token = scene.reads.validity(of: blob)
        #expect(try await scene.reads.fetch(blob) == .held(bytes), what)
        try await eventually { token.isCurrent }
        try await body()
        try await scene.hearChanges()
        #expect(!token.isCurrent, what)
        let (here, there) = (try await scene.reads.find(blob), try await scene.store.find(blob))
        #expect(here.word == there.word, what)
    }

    @Test(arguments: ReadKind.agingEdges)
    func `without a feed what has changed is served no longer than the age allows, over all edges together`(
        kind: ReadKind
    ) async throws {
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            let age = EdgeStore.testedAge.seconds
            try await scene.store.upload(bytes, on: terms(owner: 1))
            #expect(try await scene.edges[0].fetch(blob) == .held(bytes))
            try await scene.store.revoke(on: blob, owner: secret(1))
            // The last edge learns of it late.
            fixture.clock.pass(seconds: age - 1)
            let token = scene.reads.validity(of: blob)
            let held = try await scene.reads.held(blob)
            #expect(token.isCurrent && held.freshUntil == fixture.clock.wall.advanced(by: seconds(1)))
            #expect(try await scene.reads.fetch(blob) == .held(bytes), "nobody has told it")
            fixture.clock.pass(seconds: 1)
            #expect(try await scene.reads.fetch(blob) == .gone(.revoked))
        }
    }

    // MARK: Damage

    @Test(arguments: ReadKind.allEdges, [100_000, 300_000])
    func `wrong bytes of the store are never a complete answer of an edge, and healed ones are`(
        kind: ReadKind, size: Int
    ) async throws {
        let bytes = content(96, count: size)
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            let blob = try await scene.store.upload(bytes, on: terms(owner: 1)).address
            try fixture.inflict(.flipped, on: blob)
            await #expect(throws: StoreError.self) { try await scene.reads.fetch(blob) }
            _ = try await scene.store.check(CheckOptions(repair: true))
            try await scene.hearChanges()
            // Where bytes were wrong more than once, the origin is left alone for a while.
            try await eventually { (try? await scene.reads.fetch(blob)) == .damaged }
            try await scene.store.upload(bytes, on: terms(owner: 2))
            try await eventually { (try? await scene.reads.fetch(blob)) == .held(bytes) }
        }
    }

    @Test(arguments: ReadKind.followingEdges)
    func `an edge that has the bytes serves them until it hears that those of the store are damaged`(
        kind: ReadKind
    ) async throws {
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            try await scene.store.upload(bytes, on: terms(owner: 1))
            #expect(try await scene.reads.fetch(blob) == .held(bytes))
            try fixture.inflict(.gone, on: blob)
            #expect(try await scene.reads.fetch(blob) == .held(bytes))
            _ = try await scene.store.check(CheckOptions(repair: true))
            try await scene.hearChanges()
            #expect(try await scene.reads.fetch(blob) == .damaged)
        }
    }

    // MARK: Answers that come late

    /// - Parameter isKept: whether the edge has the blob, and asks only how it stands.
    @Test(arguments: [true, false])
    func `whoever looks after a change was heard is not given an answer from before it`(isKept: Bool) async throws {
        let kind = ReadKind(store: .memory, edges: 1, followsChanges: true)
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind, isWatched: true) { scene async throws in
            let watched = try #require(scene.watched)
            let (reads, blob) = (scene.reads, blob)
            try await scene.store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            if isKept {
                #expect(try await reads.fetch(blob) == .held(bytes))
                _ = try await scene.store.renew(on: blob, owner: secret(1), lifetime: .days(2), subject: nil)
                fixture.clock.pass(seconds: 86_400)
            }
            watched.delay(blob)
            async let first = reads.find(blob)
            var late = reads.validity(of: blob)
            try await watched.delaying {
                try await scene.store.revoke(on: blob, owner: secret(1))
                try await scene.hearChanges()
                late = reads.validity(of: blob)
                let question = scene.edges[0].questions.withLock { $0[blob] }
                #expect(question == nil, "nobody waits for it any more")
            }
            // What was found too early is for those who asked then, and nobody keeps it.
            guard case .held(let held) = try await first else { return }
            #expect(held.freshUntil <= reads.now() || !late.isCurrent)
            #expect(try await reads.fetch(blob) == .gone(.revoked))
        }
    }

    @Test func `a blob on its way is looked for anew once a change of it was heard`() async throws {
        let kind = ReadKind(store: .memory, edges: 1, followsChanges: true)
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind, isWatched: true) { scene async throws in
            let (watched, reads, blob) = (try #require(scene.watched), scene.reads, blob)
            try await scene.store.upload(bytes, on: terms(owner: 1))
            watched.delay(blob)
            // Somebody wants a part, so that the fill goes on being one.
            async let first = reads.find(blob, for: .ranges)
            try await watched.delaying {
                try await scene.store.revoke(on: blob, owner: secret(1))
                try await scene.hearChanges()
            }
            guard case .held = try await first else { return }
            #expect(try await reads.find(blob, for: .ranges).word == .gone(.revoked))
            #expect(try await reads.find(blob, for: .again).word == .gone(.revoked))
        }
    }

    @Test func `whoever joins a question and waits beyond the end of the blob is told that it is gone`() async throws {
        let kind = ReadKind(store: .memory, edges: 1, followsChanges: true)
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind, isWatched: true) { scene async throws in
            let (watched, reads, blob) = (try #require(scene.watched), scene.reads, blob)
            try await scene.store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            watched.delay(blob)
            async let first = reads.find(blob)
            try await watched.delaying { fixture.clock.pass(seconds: 86_400) }
            #expect(try await first.word == .gone(.expired))
        }
    }

    @Test func `a question is only asked where nobody does, and nothing is here`() async throws {
        let kind = ReadKind(store: .memory, edges: 1, followsChanges: true)
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind, isWatched: true) { scene async throws in
            let (watched, reads, blob) = (try #require(scene.watched), scene.reads, blob)
            try await scene.store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            #expect(reads.asksElsewhere(about: blob) && !scene.store.asksElsewhere(about: blob))
            watched.delay(blob)
            async let first = reads.find(blob)
            try await watched.delaying { #expect(!reads.asksElsewhere(about: blob), "somebody does already") }
            _ = try await first
            #expect(!reads.asksElsewhere(about: blob), "it is here")
        }
    }

    @Test func `what is on its way is dropped too, and what is nowhere is not counted`() async throws {
        let bytes = content(97, count: 300_000)
        let blob = address(of: bytes)
        let kind = ReadKind(store: .memory, edges: 1, followsChanges: true)
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            let edge = scene.edges[0]
            try await scene.store.upload(bytes, on: terms(owner: 1))
            for drop in [{ edge.drop(blob) }, { edge.drop() }] {
                _ = try await edge.held(blob, for: .ranges)
                #expect(drop() == 1)
                #expect(drop() == 0 && edge.fills.count == 0)
            }
            #expect(try await edge.fetch(blob) == .held(bytes))
        }
    }

    @Test(arguments: [true, false]) func `a blob whose end has changed while it came is served until the new one`(
        isShortened: Bool
    ) async throws {
        // It comes while it is served.
        let bytes = content(97, count: 300_000)
        let blob = address(of: bytes)
        let kind = ReadKind(store: .memory, edges: 1, followsChanges: true)
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            try await scene.store.upload(bytes, on: terms(owner: 1, lifetime: .days(2)))
            _ = try await scene.reads.held(blob, for: .ranges)
            fixture.clock.pass(seconds: 60)
            let renewed = try await scene.store.renew(
                on: blob, owner: secret(1), lifetime: isShortened ? .days(1) : .days(3), subject: nil)
            try await scene.hearChanges()
            // What is asked from the next second on is asked after that.
            fixture.clock.pass(seconds: 1)
            #expect(try await scene.reads.fetch(blob) == .held(bytes))
            if isShortened { #expect(try await scene.reads.held(blob).sunset == renewed.expires) }
            fixture.clock.pass(seconds: renewed.expires.secondsSince(fixture.clock.wall) - 1)
            #expect(try await scene.reads.held(blob).sunset == renewed.expires)
            fixture.clock.pass(seconds: 1)
            #expect(try await scene.reads.fetch(blob) == .gone(.expired))
        }
    }

    @Test func `what was learned in the second in which changes were missed is not covered by those that follow`()
        async throws
    {
        let kind = ReadKind(store: .memory, edges: 1, followsChanges: true)
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            try await scene.store.upload(bytes, on: terms(owner: 1))
            #expect(try await scene.reads.fetch(blob) == .held(bytes))
            // The next position is of another epoch: whoever follows has missed what was between.
            try await scene.store.revoke(on: blob, owner: secret(1))
            scene.store.changes.startOver()
            try await scene.hearChanges()
            fixture.clock.pass(seconds: EdgeStore.testedAge.seconds)
            #expect(try await scene.reads.fetch(blob) == .gone(.revoked))
        }
    }
}

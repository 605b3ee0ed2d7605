import Blobs
import Store
import StoreTestSupport
import TestSupport
import Testing

/// A store tells of each change after which an answer from before may be wrong before its Sunset, and of no other; before
/// it is acknowledged.
@Suite struct ChangeFeedTests {
    private let bytes = content(191)
    private var blob: BlobAddress { address(of: bytes) }

    /// The prefixes of what `body` changed.
    private func told(_ store: AnyStore, _ body: () async throws -> Void) async throws -> [AddressPrefix] {
        let before = store.changes.position
        try await body()
        guard case .changes(let prefixes) = store.changes.read(after: before, limit: 1000) else {
            throw Unexpected(what: "the position is lost")
        }
        return prefixes
    }

    /// Does something after which the blob is told of once, or not at all.
    private func expect(
        _ isTold: Bool, _ store: AnyStore, _ what: Comment, _ body: () async throws -> Void
    ) async throws {
        let prefixes = try await told(store, body)
        #expect(prefixes == (isTold ? [AddressPrefix(blob)] : []), what)
    }

    private func renew(_ store: AnyStore, _ owner: Int, _ lifetime: Lifetime) async throws {
        _ = try await store.renew(on: blob, owner: secret(owner), lifetime: lifetime, subject: nil)
    }

    private func remove(_ store: AnyStore, _ action: RemoveOptions.Action) async throws {
        _ = try await store.remove(RemoveOptions(address: blob, action: action))
    }

    @Test(arguments: StoreKind.allCases)
    func `what is new or lasts longer is not told, what ends earlier is`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await expect(false, store, "a new blob") {
                try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(5)))
            }
            let short = terms(owner: 2, lifetime: .days(2), recipients: 1, receipts: [secret(9)])
            try await expect(false, store, "a lease that ends earlier") { try await store.upload(bytes, on: short) }
            try await expect(false, store, "a lease without bytes") {
                _ = try await store.addLease(on: blob, terms: terms(owner: 3, lifetime: .days(4)))
            }
            try await expect(false, store, "a receipt of a lease that is not the last") {
                try await store.confirmDelivery(of: blob, to: recipient(1), secret: secret(9))
            }
            try await expect(false, store, "a later end") { try await renew(store, 1, .days(6)) }
            try await expect(true, store, "the last end, earlier") { try await renew(store, 1, .days(3)) }
            try await expect(false, store, "a later end again") { try await renew(store, 1, .days(5)) }
            try await expect(false, store, "a lease ends that is not the last") {
                try await store.revoke(on: blob, owner: secret(3))
            }
            try await expect(true, store, "the last to end is revoked") {
                try await store.revoke(on: blob, owner: secret(1))
            }
            try await expect(false, store, "it ends again") { try await store.revoke(on: blob, owner: secret(1)) }
            try await expect(false, store, "a sweep that finds nothing") { _ = try await store.collect() }
            try await expect(false, store, "they come again") { try await store.upload(bytes, on: terms(owner: 4)) }
            try await expect(true, store, "the operator takes it down") { try await remove(store, .takeDown) }
            try await expect(false, store, "and once more") { try await store.upload(bytes, on: terms(owner: 5)) }
            try await expect(true, store, "the operator bans it") { try await remove(store, .ban) }
            try await expect(false, store, "the ban is lifted") { try await remove(store, .unban) }
            try await expect(false, store, "nothing is there to take down") { try await remove(store, .takeDown) }
            try await expect(true, store, "what has ended is banned") { try await remove(store, .ban) }
            try await expect(false, store, "and again") { try await remove(store, .ban) }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a ban of what was never here is told, and ends what was found of it`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let token = store.validity(of: blob)
            try await expect(true, store, "the operator bans it") { try await remove(store, .ban) }
            #expect(!token.isCurrent)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `the receipt that completes the last lease is told, and none before it`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, recipients: 2, receipts: [secret(9)]))
            try await expect(false, store, "the first of two") {
                try await store.confirmDelivery(of: blob, to: recipient(1), secret: secret(9))
            }
            try await expect(true, store, "the second") {
                try await store.confirmDelivery(of: blob, to: recipient(2), secret: secret(9))
            }
            try await expect(false, store, "it is said again") {
                try await store.confirmDelivery(of: blob, to: recipient(2), secret: secret(9))
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what ends with its time is not told: everybody knew`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            fixture.clock.pass(seconds: 86_400)
            try await expect(false, store, "expiry") { _ = try await store.collect() }
            #expect(try await store.fetch(blob) == .gone(.expired))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `of many that one sweep removes only those are told that did not end with their time`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            for seed in 0..<5 {
                try await store.upload(content(200 + seed), on: terms(owner: seed, lifetime: .days(1)))
            }
            try await store.upload(bytes, on: terms(owner: 9, lifetime: .days(3)))
            let prefixes = try await told(store) {
                try await store.revoke(on: blob, owner: secret(9))
                fixture.clock.pass(seconds: 86_400)
                let report = try await store.collect()
                #expect(report.blobsRemoved == 6)
            }
            #expect(prefixes == [AddressPrefix(blob)])
        }
    }

    @Test(arguments: StoreKind.allCases, [Harm.flipped, .cut, .gone])
    func `damage that is set aside is told, healing is not`(kind: StoreKind, harm: Harm) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1))
            try fixture.inflict(harm, on: blob)
            try await expect(true, store, "repaired") { _ = try await store.check(CheckOptions(repair: true)) }
            try await expect(false, store, "checked again") { _ = try await store.check(CheckOptions(repair: true)) }
            try await expect(false, store, "healed") { try await store.upload(bytes, on: terms(owner: 2)) }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `damage that a reader met is told once it has been looked at`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1))
            try fixture.inflict(.gone, on: blob)
            try await expect(true, store, "read") {
                let found = try await store.fetch(blob)
                #expect(found == .damaged)
                await store.examineSuspects()
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what is refused is not told`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1))
            try await expect(false, store, "refused") {
                await #expect(throws: StoreError.wrongSecret) { try await store.revoke(on: blob, owner: secret(2)) }
                await #expect(throws: StoreError.self) { try await renew(store, 1, .days(31)) }
            }
            try await eventually { store.knowsAllChanges }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a change is told when it is acknowledged, and not after`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let all = (0..<64).map { content(1000 + $0) }
            for (seed, bytes) in all.enumerated() { try await store.upload(bytes, on: terms(owner: seed)) }
            let start = store.changes.position
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (seed, bytes) in all.enumerated() {
                    group.addTask {
                        let blob = address(of: bytes)
                        try await store.revoke(on: blob, owner: secret(seed))
                        let told = store.changes.read(after: start, limit: 64)
                        guard case .changes(let prefixes) = told, prefixes.contains(AddressPrefix(blob)) else {
                            throw Unexpected(what: "acknowledged, and not told")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(store.changes.position.number == start.number + 64)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a store opened again has another epoch, and one that closes tells no more`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        let first = try await fixture.open()
        let (ring, position) = (first.changes, first.changes.position)
        await first.close()
        #expect(ring.read(after: position, limit: 1) == .closed)
        try await fixture.withStore { store async throws in
            #expect(store.changes.read(after: position, limit: 1) == .lost)
        }
    }
}

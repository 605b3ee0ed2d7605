import Blobs
import Store
import StoreTestSupport
import Testing

/// Whoever keeps what was found of an address takes a token before, and asks it before every use: once a change is
/// acknowledged, no token from before it is current.
@Suite struct ValidityTests {
    private let bytes = content(91)
    private var blob: BlobAddress { address(of: bytes) }

    @Test(arguments: StoreKind.allCases)
    func `every acknowledged change of what is found ends the tokens from before it`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let other = store.validity(of: address(of: content(92)))
            try await expectEnded(store, "the first lease") { try await store.upload(bytes, on: terms(owner: 1)) }
            try await expectEnded(store, "a second lease") {
                try await store.upload(bytes, on: terms(owner: 2, recipients: 1, receipts: [secret(9)]))
            }
            try await expectEnded(store, "a lease without bytes") {
                _ = try await store.addLease(on: blob, terms: terms(owner: 3, lifetime: .days(2)))
            }
            try await expectEnded(store, "a later end") { try await renew(store, 3, .days(4)) }
            try await expectEnded(store, "an earlier end") { try await renew(store, 3, .days(1)) }
            try await expectEnded(store, "all have it") {
                try await store.confirmDelivery(of: blob, to: recipient(1), secret: secret(9))
            }
            try await expectEnded(store, "a lease ends") { try await store.revoke(on: blob, owner: secret(3)) }
            try await expectEnded(store, "the operator takes it down") { try await remove(store, .takeDown) }
            try await expectEnded(store, "its bytes come again") { try await store.upload(bytes, on: terms(owner: 4)) }
            try await expectEnded(store, "the last lease ends") { try await store.revoke(on: blob, owner: secret(4)) }
            _ = try await store.collect()
            try await expectEnded(store, "it becomes a blob by a resumed upload") {
                let id = try await store.create(bytes, owner: secret(5)).id
                _ = try await store.bring(bytes, to: id, at: 0)
                _ = try await store.finish(id, at: 1000)
            }
            try await expectEnded(store, "the operator bans it") { try await remove(store, .ban) }
            #expect(other.isCurrent, "nothing happened to the other one")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `damage that is set aside ends the tokens, and so does healing`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1))
            try fixture.inflict(.flipped, on: blob)
            try await expectEnded(store, "repaired") { _ = try await store.check(CheckOptions(repair: true)) }
            try await expectEnded(store, "healed") { try await store.upload(bytes, on: terms(owner: 2)) }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a sweep ends the tokens of what it removes, and no others`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            try await store.upload(content(92), on: terms(owner: 2, lifetime: .days(9)))
            fixture.clock.pass(seconds: 86_400)
            let (gone, kept) = (store.validity(of: blob), store.validity(of: address(of: content(92))))
            _ = try await store.collect()
            #expect(!gone.isCurrent && kept.isCurrent)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what is refused, and what is only read, ends no token`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1))
            let token = store.validity(of: blob)
            _ = try await store.fetch(blob)
            _ = try await store.lease(on: blob, owner: secret(1))
            await #expect(throws: StoreError.wrongSecret) { try await store.revoke(on: blob, owner: secret(2)) }
            await #expect(throws: StoreError.self) { try await renew(store, 1, .days(31)) }
            await #expect(throws: StoreError.self) {
                try await store.upload(bytes, on: terms(owner: 3, lifetime: .days(31)))
            }
            try await store.preflight(UploadAnnouncement(size: 1000, address: blob, terms: terms(owner: 4)))
            #expect(token.isCurrent)
        }
    }

    /// Does something to the blob; a token from before it is current until then, and not after.
    private func expectEnded(_ store: AnyStore, _ what: Comment, _ body: () async throws -> Void) async throws {
        let before = store.validity(of: blob)
        #expect(before.isCurrent, what)
        try await body()
        #expect(!before.isCurrent, what)
        #expect(store.validity(of: blob).isCurrent, what)
    }

    private func renew(_ store: AnyStore, _ owner: Int, _ lifetime: Lifetime) async throws {
        _ = try await store.renew(on: blob, owner: secret(owner), lifetime: lifetime, subject: nil)
    }

    private func remove(_ store: AnyStore, _ action: RemoveOptions.Action) async throws {
        _ = try await store.remove(RemoveOptions(address: blob, action: action))
    }
}

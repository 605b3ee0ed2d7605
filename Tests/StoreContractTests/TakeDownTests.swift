import Blobs
import Store
import StoreTestSupport
import Testing

/// What an operator does against one blob.
@Suite struct TakeDownTests {
    private let bytes = content(61)
    private var blob: BlobAddress { address(of: bytes) }

    private func remove(_ action: RemoveOptions.Action, from store: AnyStore) async throws -> RemoveReport {
        try await store.remove(RemoveOptions(address: blob, action: action))
    }

    @Test(arguments: StoreKind.allCases)
    func `a removed blob is gone at once for everybody, and its bytes may come again`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, subject: "ann"))
            try await store.upload(bytes, on: terms(owner: 2, subject: "ben"))
            try await store.upload(bytes, on: terms(subject: "cleo"))
            try await store.upload(bytes, on: terms(owner: 3, lifetime: seconds(5)))
            fixture.clock.pass(seconds: 5)
            let report = try await remove(.takeDown, from: store)
            #expect(
                report.isKnown && report.leasesEnded == 3 && report.blobsRemoved == 1 && report.bytesRemoved == 1000)
            #expect(!report.isBanned)
            #expect(try fixture.bytes(of: blob) == nil)
            var found = try await store.fetch(blob)
            #expect(found == .gone(.removed))
            let states = try await [1, 2, 3].asyncMap { try await store.lease(on: blob, owner: secret($0)).state }
            #expect(states == [.ended(.removed), .ended(.removed), .ended(.expired)])
            let again = try await remove(.takeDown, from: store)
            #expect(again.isKnown && again.leasesEnded == 0 && again.blobsRemoved == 0)

            await #expect(throws: StoreError.leaseEnded(.removed)) {
                try await store.upload(bytes, on: terms(owner: 1))
            }
            let stored = try await store.upload(bytes, on: terms(subject: "cleo"))
            found = try await store.fetch(blob)
            #expect(stored.isNew && found == .held(bytes))
            let check = try await store.check()
            #expect(check.isClean)
        }
    }

    @Test(arguments: StoreKind.allCases) func `nobody is charged for what was removed`(kind: StoreKind) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.leasesPerSubject = 1
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1))
            _ = try await remove(.takeDown, from: store)
            try await store.upload(content(62), on: terms(owner: 2))
            let charge = try await store.quotaUsage(of: "somebody")
            #expect(charge.leases == 1)
        }
    }

    @Test(arguments: StoreKind.allCases) func `a ban keeps the bytes out, announced or not, until it is lifted`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1))
            let report = try await remove(.ban, from: store)
            #expect(report.isBanned && report.leasesEnded == 1)
            let announced = UploadAnnouncement(size: 1000, address: blob, terms: terms(owner: 2))
            await #expect(throws: StoreError.banned) { try await store.preflight(announced) }
            let large = UploadAnnouncement(size: 1 << 20, address: blob, terms: terms(owner: 2))
            await #expect(throws: StoreError.banned) { _ = try await store.begin(large) }
            await #expect(throws: StoreError.banned) { try await store.upload(bytes) }
            await #expect(throws: StoreError.banned) { try await store.upload(bytes, announced: false) }
            #expect(try fixture.bytes(of: blob) == nil, "its file never had the name")
            #expect(try fixture.staged().isEmpty)
            await #expect(throws: StoreError.banned) { try await store.addLease(on: blob, terms: terms(owner: 2)) }
            let found = try await store.fetch(blob)
            let lease = try await store.lease(on: blob, owner: secret(1))
            #expect(found == .gone(.removed) && lease.state == .ended(.removed))
            let bans = try await [blob, address(of: content(63))].asyncMap { try await store.isBanned($0) }
            #expect(bans == [true, false])
            let lifted = try await remove(.unban, from: store)
            let isBanned = try await store.isBanned(blob)
            #expect(!isBanned)
            #expect(lifted.wasBanned && !lifted.isBanned)
            let again = try await remove(.unban, from: store)
            #expect(!again.wasBanned)
            try await store.upload(bytes, on: terms(owner: 2))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a ban outlives the tombstone and a restart, and needs no blob to begin with`(kind: StoreKind) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.tombstoneLifetime = .days(1)
        try await fixture.withStore { store async throws in
            let report = try await remove(.ban, from: store)
            #expect(!report.isKnown && report.isBanned)
            await #expect(throws: StoreError.banned) { try await store.upload(bytes) }
            _ = try await remove(.unban, from: store)
            try await store.upload(bytes)
            _ = try await remove(.ban, from: store)
            fixture.clock.pass(seconds: 86_401)
            let swept = try await store.collect()
            #expect(swept.tombstonesDropped == 2)
            let found = try await store.fetch(blob)
            #expect(found == .unknown)
        }
        try await fixture.withStore { store async throws in
            await #expect(throws: StoreError.banned) { try await store.upload(bytes) }
            await #expect(throws: StoreError.banned) { try await store.addLease(on: blob, terms: terms(owner: 1)) }
        }
    }

    @Test(arguments: StoreKind.allCases) func `an upload that was under way when the ban came is refused at its end`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let session = try await store.begin(
                UploadAnnouncement(size: 1000, address: blob, terms: terms(owner: 1)))
            try await session.append(bytes)
            _ = try await remove(.ban, from: store)
            await #expect(throws: StoreError.banned) { _ = try await session.commit() }
            let found = try await store.fetch(blob)
            #expect(found == .unknown)
            #expect(try fixture.staged().isEmpty)
        }
    }

    @Test(arguments: ReadKind.allCases)
    func `somebody who is fetching a blob gets it whole although it is removed meanwhile`(kind: ReadKind) async throws {
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            try await scene.store.upload(bytes, on: terms(owner: 1))
            let held = try await scene.reads.held(blob)
            _ = try await remove(.ban, from: scene.store)
            let whole = try #require(ByteRange(offset: 0, count: 1000, within: 1000))
            let read = try await held.content.read(whole)
            #expect(read == bytes)
            try await scene.hearChanges()
            let found = try await scene.reads.fetch(blob)
            #expect(found == .gone(.removed))
        }
    }
}

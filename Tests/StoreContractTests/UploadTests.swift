import Blobs
import Store
import StoreRules
import StoreTestSupport
import TestSupport
import Testing

@Suite struct UploadTests {
    @Test(arguments: StoreKind.allCases)
    func `what was uploaded can be fetched, also after the store was closed and opened`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind, isSynced: true)
        let bytes = content(1, count: 300_000)
        try await fixture.withStore { store async throws in
            let stored = try await store.upload(bytes, owner: secret(1))
            #expect(stored.address == address(of: bytes))
            #expect(stored.isNew)
            #expect(stored.size == 300_000)
            #expect(stored.uploaded == fixture.clock.wall)
            #expect(stored.expires == fixture.clock.wall.advanced(by: .days(30)))
            let found = try await store.fetch(stored.address)
            #expect(found == .held(bytes))
        }
        let found = try await fixture.withStore { try await $0.fetch(address(of: bytes)) }
        #expect(found == .held(bytes))
    }

    @Test(arguments: StoreKind.allCases, [0, 1, 4, 88, 131_072, 131_073, 9 << 20])
    func `bytes arrive whole whatever their number and pieces`(kind: StoreKind, count: Int) async throws {
        let bytes = content(count, count: count)
        for piece in [1 << 10, 1 << 18] {
            let fixture = try StoreFixture(kind)
            try await fixture.withStore { store async throws in
                let stored = try await store.upload(bytes, announced: piece > 1 << 10, piece: piece)
                #expect(stored.size == Int64(count))
                guard case .held(let blob) = try await store.find(stored.address) else {
                    Issue.record("the blob is not held")
                    return
                }
                #expect(blob.size == Int64(count))
                #expect(try fixture.bytes(of: stored.address) == bytes)
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func `the same bytes again are held already, and a second lease keeps them`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        let bytes = content(2)
        try await fixture.withStore { store async throws in
            let first = try await store.upload(bytes, owner: secret(1))
            let second = try await store.upload(bytes, owner: secret(2))
            #expect(first.isNew && !second.isNew)
            try await store.revoke(on: first.address, owner: secret(1))
            let found = try await store.fetch(first.address)
            #expect(found == .held(bytes))
        }
    }

    // MARK: Refusals

    @Test(arguments: StoreKind.allCases) func `bytes that are not the announced ones are refused and leave nothing`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        let other = address(of: content(5))
        try await fixture.withStore { store async throws in
            let announcement = UploadAnnouncement(size: 1000, address: other, terms: LeaseTerms(subject: "s"))
            let session = try await store.begin(announcement)
            try await session.append(content(4))
            await #expect(throws: StoreError.digestMismatch(announced: other, actual: address(of: content(4)))) {
                _ = try await session.commit()
            }
            let found = try await store.fetch(address(of: content(4)))
            #expect(found == .unknown)
            #expect(try fixture.staged().isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases) func `fewer or more bytes than announced are refused`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let short = try await store.begin(announcing(10))
            try await short.append([1, 2, 3])
            await #expect(throws: StoreError.lengthMismatch(announced: 10, received: 3)) { try await short.commit() }
            let long = try await store.begin(announcing(10))
            await #expect(throws: StoreError.tooLarge(limitBytes: 10)) { try await long.append(content(1)) }
            #expect(try fixture.staged().isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases) func `what passes the limit is refused, announced or not`(kind: StoreKind)
        async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.blobLimitBytes = 100
        try await fixture.withStore { store async throws in
            await #expect(throws: StoreError.tooLarge(limitBytes: 100)) {
                _ = try await store.begin(announcing(101))
            }
            await #expect(throws: StoreError.tooLarge(limitBytes: 100)) {
                try await store.preflight(announcing(.max))
            }
            let session = try await store.begin(announcing(nil))
            try await session.append(content(1, count: 100))
            await #expect(throws: StoreError.tooLarge(limitBytes: 100)) { try await session.append([0]) }
        }
    }

    /// What a store that takes sealed blobs alone says to bytes, in pieces.
    @Test(arguments: StoreKind.allCases)
    func `only what begins as a sealed blob and is long enough is taken`(kind: StoreKind) async throws {
        let table: [(pieces: [[UInt8]], isTaken: Bool)] = [
            ([[0x53, 0x42], [0x4c, 0x42], [UInt8](repeating: 0, count: 84)], true),
            ([[0x53, 0x42], [0x4c, 0x43]], false),
            ([[0xff, 0xd8, 0xff, 0xe0]], false),
            ([[0x53, 0x42, 0x4c, 0x42], [UInt8](repeating: 0, count: 83)], false),
            ([[0x53, 0x42]], false),
            ([], false),
        ]
        var fixture = try StoreFixture(kind)
        fixture.settings.acceptance = .sealedOnly
        try await fixture.withStore { store async throws in
            for (pieces, isTaken) in table {
                let session = try await store.begin(announcing(nil))
                let outcome = await Result { () async throws(StoreError) in
                    for piece in pieces { try await session.append(piece) }
                    return try await session.commit().isNew
                }
                #expect(outcome == (isTaken ? .success(true) : .failure(.notSealed)), "\(pieces)")
                #expect(try fixture.staged().isEmpty)
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func `too few announced bytes are refused before the first comes`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.acceptance = .sealedOnly
        try await fixture.withStore { store async throws in
            await #expect(throws: StoreError.notSealed) { try await store.preflight(announcing(87)) }
            try await store.preflight(announcing(88))
        }
    }

    // MARK: Giving up

    @Test(arguments: StoreKind.allCases)
    func `an upload that is given up or let go leaves neither bytes nor reservation`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let abandoned = try await store.begin(announcing(1 << 20))
            try await abandoned.append(content(1, count: 1 << 19))
            #expect(store.writeStatus.promisedBytes > 0)
            await abandoned.abandon()
            await abandoned.abandon()
            await #expect(throws: StoreError.self) { try await abandoned.append([1]) }
            await #expect(throws: StoreError.self) { _ = try await abandoned.commit() }
            do { _ = try await store.begin(announcing(nil)) }
            #expect(store.writeStatus.promisedBytes == 0)
            #expect(try fixture.staged().isEmpty)
        }
    }

    @Test(arguments: StoreKind.allWithOwnRoom) func `more than the disk can hold beside what is promised is refused`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.blobLimitBytes = .max
        try await fixture.withStore { store async throws in
            let free = try await store.readings().freeBytes
            await #expect(throws: StoreError.diskFull) { try await store.preflight(announcing(.max)) }
            await #expect(throws: StoreError.diskFull) { try await store.preflight(announcing(free * 2)) }
            let held = try await store.begin(announcing(free / 3 * 2))
            await #expect(throws: StoreError.diskFull) { try await store.preflight(announcing(free / 3 * 2)) }
            await held.abandon()
            try await store.preflight(announcing(free / 3 * 2))
        }
    }
}

extension Result {
    init(catching body: () async throws(Failure) -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

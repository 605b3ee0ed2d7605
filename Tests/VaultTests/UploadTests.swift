import Blobs
import DiskStore
import Files
import Store
import StoreRules
import TestSupport
import Testing
import Vault

@Suite struct UploadTests {
    @Test func `what was uploaded can be fetched, also after the store was closed and opened`() async throws {
        let store = try TestStore(inMemory: false)
        let bytes = content(1, count: 300_000)
        try await store.withVault { vault async throws in
            let stored = try await vault.upload(bytes, owner: secret(1))
            #expect(stored.address == address(of: bytes))
            #expect(stored.isNew)
            #expect(stored.size == 300_000)
            #expect(stored.uploaded == store.clock.wall)
            #expect(stored.expires == store.clock.wall.advanced(by: .days(30)))
            let found = try await vault.fetch(stored.address)
            #expect(found == .held(bytes))
        }
        let found = try await store.withVault { try await $0.fetch(address(of: bytes)) }
        #expect(found == .held(bytes))
    }

    @Test(arguments: [0, 1, 4, 88, 131_072, 131_073, 9 << 20], [1 << 10, 1 << 18])
    func `bytes arrive whole whatever their number and pieces`(count: Int, piece: Int) async throws {
        let store = try TestStore()
        let bytes = content(count, count: count)
        try await store.withVault { vault async throws in
            let stored = try await vault.upload(bytes, announced: piece > 1 << 10, piece: piece)
            #expect(stored.size == Int64(count))
            guard case .held(let blob) = try await vault.find(stored.address) else {
                Issue.record("the blob is not held")
                return
            }
            #expect(blob.size == Int64(count))
            let file = OpenFile(owning: try #require(blob.content.openDescriptor()), path: "the blob")
            let size = try file.size()
            #expect(size == Int64(count))
            #expect(try bytesOnDisk(stored.address, vault) == bytes)
        }
    }

    @Test func `the same bytes again are held already, and a second lease keeps them`() async throws {
        let store = try TestStore()
        let bytes = content(2)
        try await store.withVault { vault async throws in
            let first = try await vault.upload(bytes, owner: secret(1))
            let second = try await vault.upload(bytes, owner: secret(2))
            #expect(first.isNew && !second.isNew)
            try await vault.revoke(on: first.address, owner: secret(1))
            let found = try await vault.fetch(first.address)
            #expect(found == .held(bytes))
        }
    }

    @Test func `a blob's file is read-only and nothing stays in staging`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let stored = try await vault.upload(content(3))
            let status = try Folder.status(vault.layout.blob(stored.address))
            #expect(status?.permissions == 0o400)
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
        }
    }

    // MARK: Refusals

    @Test func `bytes that are not the announced ones are refused and leave nothing`() async throws {
        let store = try TestStore()
        let other = address(of: content(5))
        try await store.withVault { vault async throws in
            let announcement = UploadAnnouncement(size: 1000, address: other, terms: LeaseTerms(subject: "s"))
            let session = try await vault.begin(announcement)
            try await session.append(content(4))
            await #expect(throws: StoreError.digestMismatch(announced: other, actual: address(of: content(4)))) {
                _ = try await session.commit()
            }
            let found = try await vault.fetch(address(of: content(4)))
            #expect(found == .unknown)
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
        }
    }

    @Test func `fewer or more bytes than announced are refused`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let short = try await vault.begin(Self.announcing(10))
            try await short.append([1, 2, 3])
            await #expect(throws: StoreError.lengthMismatch(announced: 10, received: 3)) { try await short.commit() }
            let long = try await vault.begin(Self.announcing(10))
            await #expect(throws: StoreError.tooLarge(limitBytes: 10)) { try await long.append(content(1)) }
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
        }
    }

    @Test func `what passes the limit is refused, announced or not`() async throws {
        var store = try TestStore()
        store.settings.blobLimitBytes = 100
        try await store.withVault { vault async throws in
            await #expect(throws: StoreError.tooLarge(limitBytes: 100)) {
                _ = try await vault.begin(Self.announcing(101))
            }
            await #expect(throws: StoreError.tooLarge(limitBytes: 100)) {
                try await vault.preflight(Self.announcing(.max))
            }
            let session = try await vault.begin(Self.announcing(nil))
            try await session.append(content(1, count: 100))
            await #expect(throws: StoreError.tooLarge(limitBytes: 100)) { try await session.append([0]) }
        }
    }

    /// What a store that takes sealed blobs alone says to bytes, in pieces.
    @Test(arguments: [
        ([[0x53, 0x42], [0x4c, 0x42], [UInt8](repeating: 0, count: 84)], true),
        ([[0x53, 0x42], [0x4c, 0x43]], false),
        ([[0xff, 0xd8, 0xff, 0xe0]], false),
        ([[0x53, 0x42, 0x4c, 0x42], [UInt8](repeating: 0, count: 83)], false),
        ([[0x53, 0x42]], false),
        ([], false),
    ])
    func `only what begins as a sealed blob and is long enough is taken`(pieces: [[UInt8]], isTaken: Bool) async throws
    {
        var store = try TestStore()
        store.settings.acceptance = .sealedOnly
        try await store.withVault { vault async throws in
            let session = try await vault.begin(Self.announcing(nil))
            let outcome = await Result { () async throws(StoreError) in
                for piece in pieces { try await session.append(piece) }
                return try await session.commit().isNew
            }
            #expect(outcome == (isTaken ? .success(true) : .failure(.notSealed)))
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
        }
    }

    @Test func `too few announced bytes are refused before the first comes`() async throws {
        var store = try TestStore()
        store.settings.acceptance = .sealedOnly
        try await store.withVault { vault async throws in
            await #expect(throws: StoreError.notSealed) { try await vault.preflight(Self.announcing(87)) }
            try await vault.preflight(Self.announcing(88))
        }
    }

    // MARK: Giving up

    @Test func `an upload that is given up or let go leaves neither bytes nor reservation`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let abandoned = try await vault.begin(Self.announcing(1 << 20))
            try await abandoned.append(content(1, count: 1 << 19))
            #expect(vault.promisedBytes > 0)
            await abandoned.abandon()
            await abandoned.abandon()
            await #expect(throws: StoreError.self) { try await abandoned.append([1]) }
            await #expect(throws: StoreError.self) { _ = try await abandoned.commit() }
            do { _ = try await vault.begin(Self.announcing(nil)) }
            #expect(vault.promisedBytes == 0)
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
        }
    }

    @Test func `more than the disk can hold beside what is promised is refused`() async throws {
        var store = try TestStore()
        store.settings.blobLimitBytes = .max
        try await store.withVault { vault async throws in
            let free = try Folder.freeBytes(at: vault.layout.root)
            await #expect(throws: StoreError.diskFull) { try await vault.preflight(Self.announcing(.max)) }
            await #expect(throws: StoreError.diskFull) { try await vault.preflight(Self.announcing(free * 2)) }
            let held = try await vault.begin(Self.announcing(free / 3 * 2))
            await #expect(throws: StoreError.diskFull) { try await vault.preflight(Self.announcing(free / 3 * 2)) }
            await held.abandon()
            try await vault.preflight(Self.announcing(free / 3 * 2))
        }
    }

    static func announcing(_ size: Int64?) -> UploadAnnouncement {
        UploadAnnouncement(size: size, address: nil, terms: LeaseTerms(subject: "somebody"))
    }

    private func bytesOnDisk(_ address: BlobAddress, _ vault: Vault) throws -> [UInt8] {
        try bytes(ofFile: vault.layout.blob(address))
    }
}

extension Result {
    init(catching body: () async throws(Failure) -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

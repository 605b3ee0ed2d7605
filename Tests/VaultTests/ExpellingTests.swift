import Blobs
import Catalog
import DiskStore
import Files
import Store
import StoreRules
import Testing
import Vault

/// What an operator does against one blob.
@Suite struct ExpellingTests {
    private let bytes = content(61)
    private var blob: BlobAddress { address(of: bytes) }

    private func remove(_ action: RemoveOptions.Action, from vault: Vault) async throws -> RemoveReport {
        try await vault.remove(RemoveOptions(address: blob, action: action))
    }

    @Test func `a removed blob is gone at once for everybody, and its bytes may come again`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, subject: "ann"))
            try await vault.upload(bytes, on: terms(owner: 2, subject: "ben"))
            try await vault.upload(bytes, on: terms(subject: "cleo"))
            try await vault.upload(bytes, on: terms(owner: 3, lifetime: seconds(5)))
            store.clock.pass(seconds: 5)
            let report = try await remove(.takeDown, from: vault)
            #expect(
                report.isKnown && report.leasesEnded == 3 && report.blobsRemoved == 1 && report.bytesRemoved == 1000)
            #expect(!report.isBanned)
            #expect(try Folder.status(vault.layout.blob(blob)) == nil)
            var found = try await vault.fetch(blob)
            #expect(found == .gone(.removed))
            let states = try await [1, 2, 3].asyncMap { try await vault.lease(on: blob, owner: secret($0)).state }
            #expect(states == [.ended(.removed), .ended(.removed), .ended(.expired)])
            let again = try await remove(.takeDown, from: vault)
            #expect(again.isKnown && again.leasesEnded == 0 && again.blobsRemoved == 0)

            await #expect(throws: StoreError.leaseEnded(.removed)) {
                try await vault.upload(bytes, on: terms(owner: 1))
            }
            let stored = try await vault.upload(bytes, on: terms(subject: "cleo"))
            found = try await vault.fetch(blob)
            #expect(stored.isNew && found == .held(bytes))
            let check = try await vault.check()
            #expect(check.isClean)
        }
    }

    @Test func `nobody is charged for what was removed`() async throws {
        var store = try TestStore()
        store.settings.leasesPerSubject = 1
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1))
            _ = try await remove(.takeDown, from: vault)
            try await vault.upload(content(62), on: terms(owner: 2))
            let charge = try await vault.read { try $0.usage(of: "somebody") }
            #expect(charge.leases == 1)
        }
    }

    @Test func `a ban keeps the bytes out, announced or not, until it is lifted`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1))
            let report = try await remove(.ban, from: vault)
            #expect(report.isBanned && report.leasesEnded == 1)
            let announced = UploadAnnouncement(size: 1000, address: blob, terms: terms(owner: 2))
            await #expect(throws: StoreError.banned) { try await vault.preflight(announced) }
            let large = UploadAnnouncement(size: 1 << 20, address: blob, terms: terms(owner: 2))
            await #expect(throws: StoreError.banned) { _ = try await vault.begin(large) }
            await #expect(throws: StoreError.banned) { try await vault.upload(bytes) }
            await #expect(throws: StoreError.banned) { try await vault.upload(bytes, announced: false) }
            #expect(try Folder.status(vault.layout.blob(blob)) == nil, "its file never had the name")
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
            await #expect(throws: StoreError.banned) { try await vault.addLease(on: blob, terms: terms(owner: 2)) }
            let found = try await vault.fetch(blob)
            let lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(found == .gone(.removed) && lease.state == .ended(.removed))
            let lifted = try await remove(.unban, from: vault)
            #expect(lifted.wasBanned && !lifted.isBanned)
            let again = try await remove(.unban, from: vault)
            #expect(!again.wasBanned)
            try await vault.upload(bytes, on: terms(owner: 2))
        }
    }

    @Test func `a ban outlives the tombstone and a restart, and needs no blob to begin with`() async throws {
        var store = try TestStore()
        store.settings.tombstoneLifetime = .days(1)
        try await store.withVault { vault async throws in
            let report = try await remove(.ban, from: vault)
            #expect(!report.isKnown && report.isBanned)
            await #expect(throws: StoreError.banned) { try await vault.upload(bytes) }
            _ = try await remove(.unban, from: vault)
            try await vault.upload(bytes)
            _ = try await remove(.ban, from: vault)
            store.clock.pass(seconds: 86_401)
            let swept = try await vault.collect()
            #expect(swept.tombstonesDropped == 2)
            let found = try await vault.fetch(blob)
            #expect(found == .unknown)
        }
        try await store.withVault { vault async throws in
            await #expect(throws: StoreError.banned) { try await vault.upload(bytes) }
            await #expect(throws: StoreError.banned) { try await vault.addLease(on: blob, terms: terms(owner: 1)) }
        }
    }

    @Test func `an upload that was under way when the ban came is refused at its end`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let session = try await vault.begin(
                UploadAnnouncement(size: 1000, address: blob, terms: terms(owner: 1)))
            try await session.append(bytes)
            _ = try await remove(.ban, from: vault)
            await #expect(throws: StoreError.banned) { _ = try await session.commit() }
            let found = try await vault.fetch(blob)
            #expect(found == .unknown)
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
        }
    }

    @Test func `somebody who is fetching a blob gets it whole although it is removed meanwhile`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1))
            guard case .held(let held) = try await vault.find(blob) else {
                Issue.record("the blob is not held")
                return
            }
            _ = try await remove(.ban, from: vault)
            let whole = try #require(ByteRange(offset: 0, count: 1000, within: 1000))
            let read = try await held.content.read(whole)
            #expect(read == bytes)
        }
    }
}

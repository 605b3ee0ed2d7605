import Blobs
import Catalog
import DiskStore
import Files
import Lifecycle
import Store
import StoreRules
import StoreTestSupport
import Telemetry
import TestSupport
import Testing

@testable import Vault

@Suite struct ScrubTests {
    @Test(arguments: Harm.allCases)
    func `damage is found in the background, set aside, forgotten by whoever kept it, and heals by upload`(
        harm: Harm
    ) async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            for seed in 1...5 { try await vault.upload(content(seed), owner: secret(seed)) }
            let blob = address(of: content(3))
            let validity = vault.validity(of: blob)
            try harm.inflict(onFile: vault.layout.blob(blob))
            try await scrubbing(vault) {
                try await eventually { try await vault.lease(on: blob, owner: secret(3)).state == .damaged }
                #expect(try await vault.fetch(blob) == .damaged)
                #expect(!validity.isCurrent)
                try await eventually { try Folder.names(in: vault.layout.damaged).count == (harm == .gone ? 0 : 1) }
                #expect(await vault.unreadiness() == nil)
                let healed = try await vault.upload(content(3), owner: secret(30))
                #expect(healed.isNew)
                #expect(try await vault.fetch(blob) == .held(content(3)))
                #expect(try await vault.lease(on: blob, owner: secret(3)).state == .held)
                try await eventually { try await vault.statistics().lastScrub?.blobs == 5 }
            }
            #expect(Damage.Kind.ofHeldBlobs.reduce(0) { $0 + vault.meters.damagesFound.value(for: $1.label) } == 1)
            #expect(vault.meters.scrubbedBlobs.value >= 5 && vault.meters.scrubbedBytes.value >= 4000)
            _ = try await vault.collect()
            #expect(try await vault.check().isClean)
            #expect(try Folder.names(in: vault.layout.damaged).isEmpty)
        }
    }

    @Test func `a check that is cut short goes on behind the blob it looked at last, after a restart too`() async throws
    {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            for seed in 1...20 { try await vault.upload(content(seed), owner: secret(seed)) }
            // At 64 KiB for each blob, one in some 20 ms.
            try await scrubbing(vault, bytesPerSecond: 3 << 20) {
                try await eventually { vault.meters.scrubbedBlobs.value >= 3 }
            }
            let row = try #require(try await vault.read { try $0.scrub(.underWay) })
            #expect((3..<20).contains(row.blobs) && row.cursor != nil && row.bytes == row.blobs * 1000)
            #expect(try await vault.read { try $0.scrub(.finished) } == nil)
        }
        try await store.withVault { vault async throws in
            let begun = try #require(try await vault.statistics().scrub)
            try await scrubbing(vault) {
                try await eventually { try await vault.statistics().lastScrub != nil }
            }
            let last = try #require(try await vault.statistics().lastScrub)
            #expect(last.blobs == 20 && last.bytes == 20_000 && last.damaged == 0 && last.began == begun.began)
            #expect(Int64(vault.meters.scrubbedBlobs.value) == 20 - begun.blobs, "none was read twice")
            #expect(try await vault.statistics().scrub == nil)
            #expect(try await vault.readings().lastScrub == store.clock.wall.seconds)
        }
    }

    @Test func `where more is damaged than a disk does by itself, the rest is left to a person`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let count = Int(DamageRule.limit) + 6
            for seed in 0..<count {
                try await vault.upload(content(seed), owner: secret(seed))
                try Folder.remove(vault.layout.blob(address(of: content(seed))))
            }
            try await scrubbing(vault) {
                try await eventually { try await vault.statistics().lastScrub != nil }
            }
            #expect(try await vault.statistics().lastScrub?.damaged == Int64(count))
            #expect(try await vault.readings().damaged.count == DamageRule.limit)
            #expect(try await vault.check(CheckOptions(repair: true)).repairedCount == 6)
        }
    }

    @Test func `a blob that gave trouble while it was read is looked at soon, even where nothing else is`() async throws
    {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            // So many bytes that they are not read as it is found.
            let (short, gone) = (address(of: content(1, count: 50_000)), address(of: content(2)))
            try await vault.upload(content(1, count: 50_000), owner: secret(1))
            try await vault.upload(content(2), owner: secret(2))
            try await vault.upload(content(3), owner: secret(3))
            guard case .held(let held) = try await vault.find(short) else { throw Unexpected() }
            try await scrubbing(vault, bytesPerSecond: 0) {
                try cut(path: vault.layout.blob(short), to: 100)
                let all = try #require(ByteRange(offset: 0, count: 50_000, within: 50_000))
                await #expect(throws: StoreError.self) { try await held.content.read(all) }
                await #expect(throws: StoreError.self) {
                    try await held.content.fetch(all, atMost: 50_000, for: .whole)
                }
                try Folder.remove(vault.layout.blob(gone))
                #expect(try await vault.fetch(gone) == .damaged)
                try await eventually { try await vault.readings().damaged.count == 2 }
            }
            #expect(vault.meters.scrubbedBlobs.value == 0)
            #expect(try await vault.fetch(address(of: content(3))) == .held(content(3)))
        }
    }

    @Test func `a blob that is removed or replaced while it is being read is no damage`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let bytes = content(1, count: 3 << 20)
            try await vault.upload(bytes, owner: secret(1))
            let row = try #require(try await vault.heldBlob(address(of: bytes)))
            let damage = try await vault.examine(row) { _ async throws(StoreError) in
                try await vault.revoke(on: address(of: bytes), owner: secret(1))
                _ = try await vault.collect(CollectOptions(isAlone: true))
            }
            #expect(damage == nil)
            #expect(try await vault.fetch(address(of: bytes)) == .gone(.revoked))
            #expect(try await vault.readings().damaged.count == 0)
        }
    }

    private struct Unexpected: Error {}
}

/// Lets the background check of a store run beside `body`.
func scrubbing(
    _ vault: Vault, bytesPerSecond: Int64 = 1 << 40, _ body: () async throws -> Void
) async throws {
    let service = ScrubService(
        store: vault, bytesPerSecond: bytesPerSecond, interval: .seconds(1), logger: TestStore.quiet)
    let task = Task { try await service.run() }
    do { try await body() } catch {
        task.cancel()
        _ = await task.result
        throw error
    }
    task.cancel()
    try await task.value
}

/// Cuts a file, whatever its permissions, under whoever has it open.
private func cut(path: String, to size: Int64) throws {
    try OpenFile(path, .read).setPermissions(0o600)
    try OpenFile(path, .update).truncate(to: size)
}

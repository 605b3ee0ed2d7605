import Blobs
import DiskStore
import Store
import StoreTestSupport
import Telemetry
import TestSupport
import Testing
import Vault

@Suite struct ReadingsTests {
    @Test func `what sweeps remove is counted`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(content(2, count: 5000), owner: secret(3), lifetime: .days(1))
            try await vault.upload(content(3, count: 30), owner: secret(4))
            store.clock.pass(seconds: 86_400)
            try await vault.revoke(on: address(of: content(3, count: 30)), owner: secret(4))
            _ = try await vault.collect()
            #expect(vault.meters.blobsRemoved.value == 2 && vault.meters.removedBytes.value == 5030)
        }
    }

    @Test func `an upload counts as open until it is committed or given up`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let upload = try await vault.begin(announcing(10_000_000))
            let readings = try await vault.readings()
            #expect(vault.meters.openUploads.value == 1 && vault.writeStatus.promisedBytes == 10_000_000)
            #expect(readings.freeBytes > 0 && !vault.writeStatus.isSuspended)
            await upload.abandon()
        }
        try await store.withVault { vault async throws in
            try await vault.upload(content(1))
            #expect(vault.writeStatus.promisedBytes == 0)
            try await eventually { vault.meters.openUploads.value == 0 }
            #expect(vault.meters.openUploads.value == 0)
            #expect(vault.meters.batchChanges.count >= 1 && vault.meters.commits.count >= 1)
            #expect(vault.meters.nameSyncs.count == 1 && vault.meters.fileSyncs.count == 1)
        }
    }
}

import Blobs
import DiskStore
import Store
import StoreTestSupport
import Telemetry
import TestSupport
import Testing
import Vault

@Suite struct ReadingsTests {
    @Test func `the kept sums follow uploads, ends, sweeps, damage, healing and forgetting`() async throws {
        var store = try TestStore()
        store.settings.tombstoneLifetime = .days(1)
        try await store.withVault { vault async throws in
            #expect(try await vault.readings().held == .init())
            try await vault.upload(content(1, count: 700), owner: secret(1), lifetime: .days(1))
            try await vault.upload(content(1, count: 700), owner: secret(2), lifetime: .days(2))
            try await vault.upload(content(2, count: 5000), owner: secret(3), lifetime: .days(1))
            try await vault.upload(content(3, count: 30), owner: secret(4))
            var readings = try await vault.readings()
            #expect(readings.held == .init(count: 3, bytes: 5730))
            #expect(readings.leases == 4 && readings.endedLeases == 0 && readings.dueLeases == 0)

            store.clock.pass(seconds: 86_400 + 5)
            readings = try await vault.readings()
            #expect(readings.dueLeases == 2 && readings.oldestDueSeconds == 5 && readings.leases == 4)
            try await vault.revoke(on: address(of: content(3, count: 30)), owner: secret(4))
            readings = try await vault.readings()
            #expect(readings.unheldBlobs == 1 && readings.leases == 3 && readings.endedLeases == 1)
            _ = try await vault.collect()
            readings = try await vault.readings()
            #expect(readings.held == .init(count: 1, bytes: 700) && readings.tombstones == 2)
            #expect(readings.leases == 1 && readings.endedLeases == 3 && readings.dueLeases == 0)
            #expect(readings.removing == .init() && readings.unheldBlobs == 0 && readings.oldestDueSeconds == 0)
            #expect(readings.lastPass == store.clock.wall.seconds)
            #expect(vault.meters.blobsRemoved.value == 2 && vault.meters.removedBytes.value == 5030)

            try flipBit(ofFile: vault.layout.blob(address(of: content(1, count: 700))))
            _ = try await vault.check(CheckOptions(repair: true))
            #expect(try await vault.readings().damaged == .init(count: 1, bytes: 700))
            try await vault.upload(content(1, count: 700), owner: secret(2))
            readings = try await vault.readings()
            #expect(readings.held == .init(count: 1, bytes: 700) && readings.damaged == .init())

            store.clock.pass(seconds: 2 * 86_400)
            _ = try await vault.collect()
            store.clock.pass(seconds: 2 * 86_400)
            _ = try await vault.collect()
            readings = try await vault.readings()
            #expect(readings.held == .init() && readings.tombstones == 0)
            #expect(readings.leases == 0 && readings.endedLeases == 0)
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
            for _ in 0..<3000 where vault.meters.openUploads.value > 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(vault.meters.openUploads.value == 0)
            #expect(vault.meters.batchChanges.count >= 1 && vault.meters.commits.count >= 1)
            #expect(vault.meters.nameSyncs.count == 1 && vault.meters.fileSyncs.count == 1)
        }
    }
}

import Blobs
import Store
import StoreTestSupport
import Testing

/// What a store tells of itself in numbers.
@Suite struct ReportTests {
    @Test(arguments: StoreKind.allCases)
    func `the kept sums follow uploads, ends, sweeps, damage, healing and forgetting`(kind: StoreKind) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.tombstoneLifetime = .days(1)
        try await fixture.withStore { store async throws in
            #expect(try await store.readings().held == .init())
            try await store.upload(content(1, count: 700), owner: secret(1), lifetime: .days(1))
            try await store.upload(content(1, count: 700), owner: secret(2), lifetime: .days(2))
            try await store.upload(content(2, count: 5000), owner: secret(3), lifetime: .days(1))
            try await store.upload(content(3, count: 30), owner: secret(4))
            var readings = try await store.readings()
            #expect(readings.held == .init(count: 3, bytes: 5730))
            #expect(readings.leases == 4 && readings.endedLeases == 0 && readings.dueLeases == 0)

            fixture.clock.pass(seconds: 86_400 + 5)
            readings = try await store.readings()
            #expect(readings.dueLeases == 2 && readings.oldestDueSeconds == 5 && readings.leases == 4)
            try await store.revoke(on: address(of: content(3, count: 30)), owner: secret(4))
            readings = try await store.readings()
            #expect(readings.unheldBlobs == 1 && readings.leases == 3 && readings.endedLeases == 1)
            _ = try await store.collect()
            readings = try await store.readings()
            #expect(readings.held == .init(count: 1, bytes: 700) && readings.tombstones == 2)
            #expect(readings.leases == 1 && readings.endedLeases == 3 && readings.dueLeases == 0)
            #expect(readings.removing == .init() && readings.unheldBlobs == 0 && readings.oldestDueSeconds == 0)
            #expect(readings.lastPass == fixture.clock.wall.seconds)

            try fixture.inflict(.flipped, on: address(of: content(1, count: 700)))
            _ = try await store.check(CheckOptions(repair: true))
            #expect(try await store.readings().damaged == .init(count: 1, bytes: 700))
            try await store.upload(content(1, count: 700), owner: secret(2))
            readings = try await store.readings()
            #expect(readings.held == .init(count: 1, bytes: 700) && readings.damaged == .init())

            fixture.clock.pass(seconds: 2 * 86_400)
            _ = try await store.collect()
            fixture.clock.pass(seconds: 2 * 86_400)
            _ = try await store.collect()
            readings = try await store.readings()
            #expect(readings.held == .init() && readings.tombstones == 0)
            #expect(readings.leases == 0 && readings.endedLeases == 0)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `statistics tell blobs by age and size, and damaged ones apart`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(content(1, count: 70_000), owner: secret(1))
            try await store.upload(content(2), owner: secret(2), lifetime: .days(1))
            fixture.clock.pass(seconds: 86_400)
            try await store.upload(content(3), owner: secret(3))
            try await store.upload(content(4), owner: secret(4))
            try fixture.inflict(.cut, on: address(of: content(4)))
            _ = try await store.check(CheckOptions(repair: true))
            var statistics = try await store.statistics()
            #expect(statistics.blobs == 3 && statistics.bytes == 72_000 && statistics.damaged == 1)
            #expect(statistics.leases == 4 && statistics.unheld == 1 && statistics.tombstones == 0)
            #expect(statistics.byAge.map(\.blobs) == [1, 0, 2, 0, 0, 0])
            #expect(statistics.bySize.map(\.blobs) == [2, 1, 0, 0, 0, 0])
            _ = try await store.collect()
            statistics = try await store.statistics()
            #expect(statistics.blobs == 2 && statistics.unheld == 0 && statistics.tombstones == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what uploads under way may still bring is promised until they end`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let upload = try await store.begin(announcing(10_000_000))
            let readings = try await store.readings()
            #expect(store.writeStatus.promisedBytes == 10_000_000)
            #expect(readings.freeBytes > 0 && !store.writeStatus.isSuspended)
            await upload.abandon()
            #expect(store.writeStatus.promisedBytes == 0)
            try await store.upload(content(1))
            #expect(store.writeStatus.promisedBytes == 0)
        }
    }
}

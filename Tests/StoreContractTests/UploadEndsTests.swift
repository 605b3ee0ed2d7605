import Blobs
import Store
import StoreTestSupport
import TestSupport
import Testing

/// What becomes of uploads that outlive their requests when their ends are not what anybody wished.
@Suite struct UploadEndsTests {
    @Test(arguments: StoreKind.allCases)
    func `time is up after the last progress: bytes postpone it, asking and bringing nothing do not`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        let bytes = content(3)
        try await fixture.withStore { store async throws in
            let (slow, idle) = (try await store.create(bytes).id, try await store.create(bytes).id)
            let session = try await store.session(slow, at: 0)
            for _ in 0..<3 {
                fixture.clock.pass(seconds: 50_000)
                try await session.append(Array(bytes[..<10]))
                _ = try? await store.session(idle, at: 0).pause()
                _ = try await store.collect(CollectOptions(trustClock: true))
            }
            #expect(try await store.offset(of: slow) == 30)
            await #expect(throws: StoreError.notFound) { _ = try await store.upload(idle) }
            #expect(try fixture.staged() == [slow.hex])
        }
    }

    @Test(arguments: StoreKind.allCases) func `a dry run says which uploads would go, and they stay`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let id = try await store.create(content(4)).id
            _ = try await store.bring(content(4)[..<700], to: id, at: 0)
            fixture.clock.pass(seconds: 86_400)
            let report = try await store.collect(CollectOptions(dryRun: true))
            #expect(report.uploadsExpired == 1 && report.uploadBytesExpired == 700)
            #expect(try fixture.staged() == [id.hex])
        }
    }

    @Test(arguments: StoreKind.allCases) func `what is open is told in numbers`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            for seed in 0..<3 {
                let id = try await store.create(content(seed)).id
                _ = try await store.bring(content(seed)[..<100], to: id, at: 0)
            }
            let statistics = try await store.statistics()
            #expect(statistics.uploads == 3 && statistics.uploadBytes == 300 && statistics.blobs == 0)
        }
    }

    @Test(arguments: StoreKind.allCases) func `a check finds uploads that lost what was told, and repair gives them up`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        let bytes = content(5)
        try await fixture.withStore { store async throws in
            var ids: [UploadID] = []
            for _ in 0..<3 {
                ids.append(try await store.create(bytes).id)
                _ = try await store.bring(bytes[..<500], to: ids[ids.count - 1], at: 0)
            }
            try fixture.cut(ids[0], to: 499)
            try fixture.cut(ids[1], to: nil)
            let found = try await store.check()
            #expect(found.findingCount == 2 && found.repairedCount == 0 && found.uploadsChecked == 3)
            #expect(found.findings.allSatisfy { $0.kind == .lostUpload && $0.name.count == 8 })
            #expect(try await store.check(CheckOptions(repair: true)).repairedCount == 2)
            #expect(try await store.check().isClean)
            for id in ids[..<2] {
                await #expect(throws: StoreError.notFound) { _ = try await store.upload(id) }
            }
            #expect(try await store.offset(of: ids[2]) == 500)
            #expect(try await store.quotaUsage(of: "somebody").uploads == 1)
        }
    }

    // MARK: A length that comes late

    @Test(arguments: StoreKind.allCases)
    func `what came of an upload without a length counts against the quota, whoever is at work`(kind: StoreKind)
        async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.bytesPerSubject = 20_000
        try await fixture.withStore { store async throws in
            let bytes = content(6, count: 12_000)
            let first = try await store.create(bytes, announcesLength: false).id
            let second = try await store.create(bytes, announcesLength: false).id
            _ = try await store.bring(bytes, to: first, at: 0)
            await #expect { _ = try await store.bring(bytes[..<9000], to: second, at: 0) } throws: { Self.isBusy($0) }
            #expect(try await store.offset(of: second) == 0)
            _ = try await store.bring(bytes[..<8000], to: second, at: 0)
            #expect(try await store.quotaUsage(of: "somebody").reservedBytes == 20_000)
            await #expect { _ = try await store.bring([1], to: second, at: 8000) } throws: { Self.isBusy($0) }
            await #expect { _ = try await store.session(second, at: 8000, length: 8001) } throws: { Self.isBusy($0) }
            #expect(try await store.quotaUsage(of: "somebody").reservedBytes == 20_000)
            try await store.cancel(first)
            _ = try await store.session(second, at: 8000, length: 12_000)
            #expect(try await store.quotaUsage(of: "somebody").reservedBytes == 12_000)
        }
        let reserved = try await fixture.withStore { try await $0.quotaUsage(of: "somebody").reservedBytes }
        #expect(reserved == 8000, "a length that no row has was not told")
    }

    @Test(arguments: StoreKind.allCases)
    func `nothing is reserved or charged for bytes that nobody announced and no request brings`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        let bytes = content(8, count: 300_000)
        try await fixture.withStore { store async throws in
            let id = try await store.create(bytes, announcesLength: false).id
            #expect(store.writeStatus.promisedBytes == 0)
            #expect(try await store.quotaUsage(of: "somebody").reservedBytes == 0)
            for end in [200_000, 300_000] as [Int64] {
                let from = try await store.offset(of: id)
                let session = try await store.session(id, at: from)
                try await session.append(Array(bytes[Int(from)..<Int(end)]))
                #expect(store.writeStatus.promisedBytes <= 256 << 10)
                _ = try await session.pause()
                #expect(store.writeStatus.promisedBytes == 0)
                #expect(try await store.quotaUsage(of: "somebody").reservedBytes == end)
            }
            let cut = try await store.session(id, at: 300_000)
            try await cut.append(bytes)
            await cut.abandon()
            #expect(store.writeStatus.promisedBytes == 0)
            #expect(try await store.quotaUsage(of: "somebody").reservedBytes == 300_000)
        }
        try await fixture.withStore { store async throws in
            #expect(store.writeStatus.promisedBytes == 0)
            #expect(try await store.quotaUsage(of: "somebody").reservedBytes == 300_000)
        }
    }

    @Test(arguments: StoreKind.allWithOwnRoom)
    func `a length that is told late takes its room on the disk, or is refused`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.blobLimitBytes = .max
        try await fixture.withStore { store async throws in
            let free = try await store.readings().freeBytes
            let id = try await store.create(content(7), announcesLength: false).id
            await #expect(throws: StoreError.diskFull) { _ = try await store.session(id, at: 0, length: free * 2) }
            let session = try await store.session(id, at: 0, length: 50 << 20)
            #expect(store.writeStatus.promisedBytes == 50 << 20)
            await session.abandon()
            try await store.cancel(id)
            #expect(store.writeStatus.promisedBytes == 0)
        }
    }

    private static func isBusy(_ error: any Error) -> Bool { if case StoreError.busy = error { true } else { false } }
}

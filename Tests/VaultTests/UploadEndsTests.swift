import Blobs
import DiskStore
import Files
import Store
import TestSupport
import Testing
import Vault

/// What becomes of uploads that outlive their requests when their ends are not what anybody wished.
@Suite struct UploadEndsTests {
    @Test(arguments: [FaultPoint.namesSynced, .rowsChanged, .rowsCommitted])
    func `an upload whose making is not known to have happened leaves no row without its file`(point: FaultPoint)
        async throws
    {
        let store = try TestStore()
        let disk = FailingDisk()
        try await store.withVault(faults: disk.faults) { vault async throws in
            disk.fail(at: point)
            await #expect(throws: StoreError.outcomeUnknown) { _ = try await vault.create(content(1)) }
            while await vault.unreadiness() != nil { try await Task.sleep(for: .milliseconds(1)) }
            _ = try await vault.collect(CollectOptions(isAlone: true))
            let check = try await vault.check()
            let staged = try Folder.names(in: vault.layout.staging)
            #expect(check.isClean && staged.count == check.uploadsChecked)
            store.clock.pass(seconds: 86_400)
            let report = try await vault.collect(CollectOptions(isAlone: true))
            #expect(report.uploadsExpired == staged.count)
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func `an end that came although it was told as unknown gives place and room back`(isAsked: Bool) async throws {
        let store = try TestStore()
        let disk = FailingDisk()
        try await store.withVault(faults: disk.faults) { vault async throws in
            let finished = try await vault.create(content(1)).id
            _ = try await vault.bring(content(1), to: finished, at: 0)
            let cancelled = try await vault.create(content(2)).id
            let session = try await vault.session(finished, at: 1000)
            disk.fail(at: .rowsCommitted)
            await #expect(throws: StoreError.outcomeUnknown) { _ = try await session.commit() }
            while await vault.unreadiness() != nil { try await Task.sleep(for: .milliseconds(1)) }
            disk.fail(at: .rowsCommitted)
            await #expect(throws: StoreError.outcomeUnknown) { try await vault.cancel(cancelled, subject: nil) }
            while await vault.unreadiness() != nil { try await Task.sleep(for: .milliseconds(1)) }
            if isAsked {
                #expect(try await vault.upload(finished, subject: nil).blob?.size == 1000)
                await #expect(throws: StoreError.notFound) { _ = try await vault.upload(cancelled, subject: nil) }
            } else {
                _ = try await vault.collect(CollectOptions(isAlone: true))
            }
            #expect(try await vault.quotaUsage(of: "somebody").uploads == 0)
            #expect(vault.promisedBytes == 0)
            _ = try await vault.collect(CollectOptions(isAlone: true))
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
            #expect(try await vault.fetch(address(of: content(1))) == .held(content(1)))
        }
    }

    @Test func `time is up after the last progress: bytes postpone it, asking and bringing nothing do not`()
        async throws
    {
        let store = try TestStore()
        let bytes = content(3)
        try await store.withVault { vault async throws in
            let (slow, idle) = (try await vault.create(bytes).id, try await vault.create(bytes).id)
            let session = try await vault.session(slow, at: 0)
            for _ in 0..<3 {
                store.clock.pass(seconds: 50_000)
                try await session.append(Array(bytes[..<10]))
                _ = try? await vault.session(idle, at: 0).pause()
                _ = try await vault.collect(CollectOptions(trustClock: true))
            }
            #expect(try await vault.offset(of: slow) == 30)
            await #expect(throws: StoreError.notFound) { _ = try await vault.upload(idle, subject: nil) }
            #expect(try Folder.names(in: vault.layout.staging) == [slow.hex])
        }
    }

    @Test func `a dry run says which uploads would go, and they stay`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let id = try await vault.create(content(4)).id
            _ = try await vault.bring(content(4)[..<700], to: id, at: 0)
            store.clock.pass(seconds: 86_400)
            let report = try await vault.collect(CollectOptions(dryRun: true))
            #expect(report.uploadsExpired == 1 && report.uploadBytesExpired == 700)
            #expect(try Folder.names(in: vault.layout.staging) == [id.hex])
        }
    }

    @Test func `what is open is told in numbers`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            for seed in 0..<3 {
                let id = try await vault.create(content(seed)).id
                _ = try await vault.bring(content(seed)[..<100], to: id, at: 0)
            }
            let statistics = try await vault.statistics()
            #expect(statistics.uploads == 3 && statistics.uploadBytes == 300 && statistics.blobs == 0)
        }
    }

    @Test func `a check finds uploads that lost what was told, and repair gives them up`() async throws {
        let store = try TestStore()
        let bytes = content(5)
        try await store.withVault { vault async throws in
            var ids: [UploadID] = []
            for _ in 0..<3 {
                ids.append(try await vault.create(bytes).id)
                _ = try await vault.bring(bytes[..<500], to: ids[ids.count - 1], at: 0)
            }
            let paths = ids.map { "\(vault.layout.staging)/\($0.hex)" }
            try OpenFile(paths[0], .update).truncate(to: 499)
            _ = try Folder.remove(paths[1])
            let found = try await vault.check()
            #expect(found.findingCount == 2 && found.repairedCount == 0 && found.uploadsChecked == 3)
            #expect(found.findings.allSatisfy { $0.kind == .lostUpload && $0.name.count == 8 })
            #expect(try await vault.check(CheckOptions(repair: true)).repairedCount == 2)
            #expect(try await vault.check().isClean)
            for id in ids[..<2] {
                await #expect(throws: StoreError.notFound) { _ = try await vault.upload(id, subject: nil) }
            }
            #expect(try await vault.offset(of: ids[2]) == 500)
            #expect(try await vault.quotaUsage(of: "somebody").uploads == 1)
        }
    }

    // MARK: A length that comes late

    @Test func `what came of an upload without a length counts against the quota, whoever is at work`() async throws {
        var store = try TestStore()
        store.settings.bytesPerSubject = 20_000
        try await store.withVault { vault async throws in
            let bytes = content(6, count: 12_000)
            let first = try await vault.create(bytes, announcesLength: false).id
            let second = try await vault.create(bytes, announcesLength: false).id
            _ = try await vault.bring(bytes, to: first, at: 0)
            _ = try await vault.bring(bytes[..<9000], to: second, at: 0)
            #expect(try await vault.quotaUsage(of: "somebody").reservedBytes == 21_000)
            await #expect { _ = try await vault.session(second, at: 9000) } throws: { Self.isBusy($0) }
            await #expect { _ = try await vault.session(second, at: 9000, length: 9001) } throws: { Self.isBusy($0) }
            #expect(try await vault.quotaUsage(of: "somebody").reservedBytes == 21_000)
            try await vault.cancel(first, subject: nil)
            _ = try await vault.session(second, at: 9000, length: 12_000)
            #expect(try await vault.quotaUsage(of: "somebody").reservedBytes == 12_000)
        }
        let reserved = try await store.withVault { try await $0.quotaUsage(of: "somebody").reservedBytes }
        #expect(reserved == 9000, "a length that no row has was not told")
    }

    @Test func `a length that is told late takes its room on the disk, or is refused`() async throws {
        var store = try TestStore()
        store.settings.blobLimitBytes = .max
        try await store.withVault { vault async throws in
            let free = try Folder.freeBytes(at: vault.layout.root)
            let id = try await vault.create(content(7), announcesLength: false).id
            await #expect(throws: StoreError.diskFull) { _ = try await vault.session(id, at: 0, length: free * 2) }
            let session = try await vault.session(id, at: 0, length: 50 << 20)
            #expect(vault.promisedBytes == 50 << 20)
            await session.abandon()
            #expect(vault.promisedBytes == 50 << 20)
            try await vault.cancel(id, subject: nil)
            #expect(vault.promisedBytes == 0)
        }
    }

    private static func isBusy(_ error: any Error) -> Bool { if case StoreError.busy = error { true } else { false } }
}

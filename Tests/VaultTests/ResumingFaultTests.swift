import Blobs
import DiskStore
import Files
import Glibc
import Store
import StoreRules
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// Uploads that outlive their requests, on a disk that fails or fills.
@Suite struct ResumingFaultTests {
    @Test func `an end that could not be had now can be tried again, without a byte of the upload`() async throws {
        let store = try TestStore()
        let disk = FailingDisk()
        let bytes = content(10, count: 200_000)
        try await store.withVault(faults: disk.faults) { vault async throws in
            let id = try await vault.create(bytes, owner: secret(1)).id
            for point in [FaultPoint.stagedFileLinked, .blobNamed] {
                let offset = try await vault.offset(of: id)
                let session = try await vault.session(id, at: offset)
                try await session.append(Array(bytes[Int(offset)...]))
                disk.fail(at: point, code: ENOSPC)
                await #expect(throws: StoreError.diskFull) { _ = try await session.commit() }
                #expect(try await vault.offset(of: id) == 200_000)
            }
            #expect(try await vault.finish(id, at: 200_000).isNew)
            #expect(try await vault.fetch(address(of: bytes)) == .held(bytes))
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
            #expect(try await vault.check().isClean)
        }
    }

    @Test(arguments: [FaultPoint.namesSynced, .rowsChanged, .rowsCommitted])
    func `when it is not known whether the end was reached, the catalog tells once it is well`(point: FaultPoint)
        async throws
    {
        let store = try TestStore()
        let disk = FailingDisk()
        let bytes = content(11)
        try await store.withVault(faults: disk.faults) { vault async throws in
            let id = try await vault.create(bytes).id
            _ = try await vault.bring(bytes, to: id, at: 0)
            let session = try await vault.session(id, at: 1000)
            disk.fail(at: point, times: 1_000_000)
            await #expect(throws: StoreError.outcomeUnknown) { _ = try await session.commit() }
            await #expect { _ = try await vault.session(id, at: 1000) } throws: {
                if case StoreError.unavailable = $0 { true } else { false }
            }
            disk.recover()
            try await eventually { await vault.unreadiness() == nil }
            let upload = try await vault.upload(id)
            #expect(upload.offset == 1000)
            if upload.isOpen { _ = try await vault.finish(id, at: 1000) }
            #expect(try await vault.fetch(address(of: bytes)) == .held(bytes))
            _ = try await vault.collect(CollectOptions(isAlone: true))
            #expect(try await vault.check().isClean)
        }
    }

    @Test func `a failed sync tells no offset, and what was told before goes on`() async throws {
        let store = try TestStore()
        let disk = FailingDisk()
        let bytes = content(12, count: 300_000)
        try await store.withVault(faults: disk.faults) { vault async throws in
            let id = try await vault.create(bytes).id
            _ = try await vault.bring(bytes[..<100_000], to: id, at: 0)
            let session = try await vault.session(id, at: 100_000)
            try await session.append(Array(bytes[100_000...]))
            disk.fail(at: .stagedBytesSynced)
            await #expect { _ = try await session.pause() } throws: {
                if case StoreError.io = $0 { true } else { false }
            }
            #expect(try await vault.offset(of: id) == 100_000)
            #expect(vault.promisedBytes == 200_000)
            let again = try await vault.session(id, at: 100_000)
            try await again.append(Array(bytes[100_000...]))
            _ = try await again.commit()
            #expect(try await vault.fetch(address(of: bytes)) == .held(bytes))
        }
    }

    @Test func `a long request is written down on the way`() async throws {
        let store = try TestStore()
        let piece = [UInt8](repeating: 7, count: 8 << 20)
        let id = try await store.withVault { vault async throws in
            let id = try await vault.create(
                UploadAnnouncement(size: 100 << 20, address: nil, terms: .init(subject: "s"))
            ).id
            let session = try await vault.session(id, at: 0)
            for _ in 0..<9 { try await session.append(piece) }
            return id
        }
        let offset = try await store.withVault { try await $0.offset(of: id) }
        #expect(offset == 64 << 20)
    }

    @Test(arguments: [FaultPoint.namesSynced, .rowsChanged, .rowsCommitted])
    func `an upload whose making is not known to have happened leaves no row without its file`(point: FaultPoint)
        async throws
    {
        let store = try TestStore()
        let disk = FailingDisk()
        try await store.withVault(faults: disk.faults) { vault async throws in
            disk.fail(at: point)
            await #expect(throws: StoreError.outcomeUnknown) { _ = try await vault.create(content(1)) }
            try await eventually { await vault.unreadiness() == nil }
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
            try await eventually { await vault.unreadiness() == nil }
            disk.fail(at: .rowsCommitted)
            await #expect(throws: StoreError.outcomeUnknown) { try await vault.cancel(cancelled) }
            try await eventually { await vault.unreadiness() == nil }
            if isAsked {
                #expect(try await vault.upload(finished).blob?.size == 1000)
                await #expect(throws: StoreError.notFound) { _ = try await vault.upload(cancelled) }
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
            #expect(vault.promisedBytes == 0, "it was not written down")
            try await vault.bring([], to: id, at: 0, length: 50 << 20)
            #expect(vault.promisedBytes == 50 << 20)
            try await vault.cancel(id)
            #expect(vault.promisedBytes == 0)
        }
    }
}

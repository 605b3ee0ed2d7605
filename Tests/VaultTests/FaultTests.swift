import Blobs
import DiskStore
import Files
import Glibc
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import TestSupport
import Testing
import Vault

/// A disk that fails on demand, at a point that a test chooses, as often as it says.
final class FailingDisk: Sendable {
    private let plan = Mutex<(point: FaultPoint, code: Int32, times: Int)?>(nil)

    var faults: FaultPoints { FaultPoints { point throws(FileError) in try self.reach(point) } }

    func fail(at point: FaultPoint, code: Int32 = EIO, times: Int = 1) {
        plan.withLock { $0 = (point, code, times) }
    }

    func recover() {
        plan.withLock { $0 = nil }
    }

    private func reach(_ point: FaultPoint) throws(FileError) {
        let code = plan.withLock { plan -> Int32? in
            guard let current = plan, current.point == point else { return nil }
            plan = current.times > 1 ? (point, current.code, current.times - 1) : nil
            return current.code
        }
        if let code { throw FileError(operation: "fault behind", path: point.rawValue, code: code) }
    }
}

@Suite struct FaultTests {
    /// A failure in an upload's own steps: the error it gets, and that nobody else gets one.
    @Test(arguments: [
        (FaultPoint.stagedFileCreated, EIO, false), (.stagedBytesWritten, EIO, false), (.blobNamed, EIO, false),
        (.stagedBytesWrittenBack, EIO, false), (.stagedBytesSynced, EIO, false), (.stagedFileCreated, ENOSPC, true),
        (.stagedBytesWritten, ENOSPC, true), (.stagedBytesWritten, EDQUOT, true),
    ])
    func `an upload's own failure is its own, and leaves nothing`(point: FaultPoint, code: Int32, isFull: Bool)
        async throws
    {
        let isOfLarge = [.stagedBytesWrittenBack, .stagedBytesSynced].contains(point)
        let bytes = isOfLarge ? [UInt8](repeating: 1, count: 9 << 20) : content(1)
        let store = try TestStore()
        let disk = FailingDisk()
        try await store.withVault(faults: disk.faults) { vault async throws in
            disk.fail(at: point, code: code)
            await #expect { try await vault.upload(bytes) } throws: { error in
                switch error {
                case StoreError.diskFull: isFull
                case StoreError.io: !isFull
                default: false
                }
            }
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
            #expect(vault.promisedBytes == 0)
            #expect(await vault.unreadiness() == nil)
            try await vault.upload(bytes)
        }
    }

    /// A sync of names or catalog that fails: nobody knows whether it happened.
    @Test(arguments: [FaultPoint.namesSynced, .rowsChanged, .rowsCommitted])
    func `a failed sync is final: outcome unknown, no writes, reads go on, and it heals by itself`(point: FaultPoint)
        async throws
    {
        let store = try TestStore()
        let disk = FailingDisk()
        try await store.withVault(faults: disk.faults) { vault async throws in
            try await vault.upload(content(1), owner: secret(1))
            disk.fail(at: point, times: 1_000_000)
            await #expect(throws: StoreError.outcomeUnknown) { try await vault.upload(content(2), owner: secret(2)) }
            #expect(await vault.unreadiness() != nil)
            await #expect { try await vault.upload(content(3)) } throws: { Self.isUnavailable($0) }
            await #expect { try await vault.preflight(announcing(10)) } throws: { Self.isUnavailable($0) }
            await #expect { try await vault.revoke(on: address(of: content(1)), owner: secret(1)) } throws: {
                Self.isUnavailable($0)
            }
            for _ in 0..<50 {
                let found = try await vault.fetch(address(of: content(1)))
                #expect(found == .held(content(1)))
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(await vault.unreadiness() != nil, "a probe that fails heals nothing")
            disk.recover()
            try await Self.untilReady(vault)
            try await vault.upload(content(2), owner: secret(2))
            let found = try await vault.fetch(address(of: content(2)))
            #expect(found == .held(content(2)))
            let swept = try await vault.collect(CollectOptions(isAlone: true))
            let checked = try await vault.check()
            #expect(swept.orphansKept == nil && checked.isClean)
        }
    }

    @Test func `a commit that was told as unknown and did happen is found by asking for the lease`() async throws {
        let store = try TestStore()
        let disk = FailingDisk()
        try await store.withVault(faults: disk.faults) { vault async throws in
            disk.fail(at: .rowsCommitted)
            await #expect(throws: StoreError.outcomeUnknown) { try await vault.upload(content(1), owner: secret(1)) }
            try await Self.untilReady(vault)
            let lease = try await vault.lease(on: address(of: content(1)), owner: secret(1))
            let found = try await vault.fetch(address(of: content(1)))
            #expect(lease.state == .held && found == .held(content(1)))
        }
    }

    @Test func `one upload's refusal does not touch the others of its batch`() async throws {
        var store = try TestStore()
        store.settings.leasesPerSubject = 5
        try await store.withVault { vault async throws in
            let outcomes = await withTaskGroup(of: Bool.self) { group in
                for seed in 0..<20 {
                    group.addTask {
                        do {
                            try await vault.upload(content(seed), owner: secret(seed), subject: "one")
                            return true
                        } catch {
                            return false
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(outcomes == [true: 5, false: 15], "exact under concurrency")
            _ = try await vault.collect(CollectOptions(isAlone: true))
            #expect(try await vault.check().isClean)
        }
    }

    @Test func `when the catalog meets a full disk the ballast goes, and comes back with a sweep`() async throws {
        let store = try TestStore()
        let disk = FailingDisk()
        try await store.withVault(faults: disk.faults) { vault async throws in
            try await vault.upload(content(1), owner: secret(1))
            disk.fail(at: .rowsChanged, code: ENOSPC)
            try await vault.revoke(on: address(of: content(1)), owner: secret(1))
            #expect(try Folder.status(vault.layout.ballast) == nil)
            disk.fail(at: .rowsChanged, code: ENOSPC)
            await #expect(throws: StoreError.diskFull) { try await vault.upload(content(2)) }
            #expect(await vault.unreadiness() == nil, "a full disk is no failed sync")
            let report = try await vault.collect()
            #expect(report.hasBallast && report.blobsRemoved == 1)
            #expect(try Folder.status(vault.layout.ballast)?.size == store.settings.ballastBytes)
        }
    }

    private static func isUnavailable(_ error: any Error) -> Bool {
        if case StoreError.unavailable = error { true } else { false }
    }

    private static func untilReady(_ vault: Vault) async throws {
        try await eventually { await vault.unreadiness() == nil }
    }
}

import Blobs
import DiskStore
import Dispatch
import Files
import Glibc
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import Vault

@Suite struct ConcurrencyTests {
    @Test func `one address uploaded, revoked, swept and checked at once, thousands of times, is never lost`()
        async throws
    {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let contest = Contest(vault: vault)
            try await contest.run(uploaders: 4, generations: Self.generations)
            let tally = contest.tally.counts
            #expect(tally.came > 15 && tally.sweeps > 1 && tally.checks > 1, "\(tally)")
            _ = try await contest.vault.collect(CollectOptions(isAlone: true))
            let found = try await vault.fetch(contest.blob)
            #expect(found == .gone(.revoked))
            #expect(try Folder.status(vault.layout.blob(contest.blob)) == nil)
        }
    }

    private static var generations: Int { unsafe getenv("SATCHEL_SOAK") == nil ? 50 : 1000 }

    @Test(.timeLimit(.minutes(15)), arguments: ["plain", "preview", "resumable"])
    func `no more uploads wait for busy threads than may be open`(kind: String) async throws {
        var store = try TestStore()
        store.settings.threads = 1
        store.settings.openUploads = 3
        try await store.withVault { vault async throws in
            let announcement = UploadAnnouncement(
                size: 200_000, address: nil, terms: LeaseTerms(owner: Secret.random().hash, subject: "ann"))
            let begin = { @Sendable () async throws in
                switch kind {
                case "plain": await (try vault.begin(announcement)).abandon()
                case "preview": try await vault.preflight(announcement)
                default: _ = try await vault.create(announcement)
                }
            }
            let gate = DispatchSemaphore(value: 0)
            async let held: Void = vault.onDisk { _ in gate.wait() }
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask {
                        do { try await begin() } catch { return error as? StoreError }
                        return nil
                    }
                }
                // The one thread is held: this is answered without it, or never.
                let first = try await group.next()
                gate.signal()
                #expect(first == StoreError.noPlaceInProgress)
                for try await refusal in group { #expect(refusal == nil) }
            }
            try await held
        }
    }

    @Test func `many uploads at once share their syncs and commits, and all are durable`() async throws {
        let store = try TestStore()
        let points = PointCounter()
        let counting = FaultPoints { point in points.count(point) }
        let count = 256
        try await store.withVault(faults: counting) { vault async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 0..<count {
                    group.addTask { try await vault.upload(content(seed), owner: secret(seed)) }
                }
                try await group.waitForAll()
            }
        }
        let seen = points.counts
        #expect(seen[.stagedBytesSynced] == nil && seen[.blobNamed] == count, "small files need no sync of their own")
        #expect(seen[.namesSynced, default: 0] < count / 2)
        #expect(seen[.rowsCommitted, default: 0] < count / 2)
        let check = try await store.withVault { try await $0.check() }
        #expect(check.isClean && check.blobsChecked == count)
    }

    @Test func `a large upload is written back on the way, every 8 MiB, and synced once`() async throws {
        let store = try TestStore()
        let points = PointCounter()
        try await store.withVault(faults: FaultPoints { points.count($0) }) { vault async throws in
            try await vault.upload([UInt8](repeating: 7, count: 20 << 20), piece: 1 << 20)
        }
        #expect(points.counts[.stagedBytesWrittenBack] == 2 && points.counts[.stagedBytesSynced] == 1)
    }
}

/// How often each point was reached.
private final class PointCounter: Sendable {
    private let seen = Mutex<[FaultPoint: Int]>([:])

    var counts: [FaultPoint: Int] { seen.withLock { $0 } }

    func count(_ point: FaultPoint) {
        seen.withLock { $0[point, default: 0] += 1 }
    }
}

/// Everything that can happen to one address, all at once.
private struct Contest: Sendable {
    let vault: Vault
    let bytes = content(7)
    let tally = Tally()

    init(vault: Vault) {
        self.vault = vault
    }

    var blob: BlobAddress { address(of: bytes) }

    final class Tally: Sendable {
        struct Counts {
            var isOver = false
            /// How often the blob was not held when its bytes came.
            var came = 0
            var sweeps = 0
            var checks = 0
        }

        private let state = Mutex(Counts())

        var counts: Counts { state.withLock { $0 } }
        func note(_ change: (inout Counts) -> Void) { state.withLock { change(&$0) } }
    }

    func run(uploaders: Int, generations: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await sweep() }
            group.addTask { try await check() }
            group.addTask { try await read() }
            for generation in 0..<generations {
                try await uploadAndRevoke(generation, uploaders: uploaders)
                // All have left. Before they come back none, one or two sweeps end, the second surely with a removal.
                let sweeps = tally.counts.sweeps
                while tally.counts.sweeps - sweeps < generation % 3 { try await Task.sleep(for: .microseconds(100)) }
            }
            tally.note { $0.isOver = true }
            try await group.waitForAll()
        }
    }

    private func uploadAndRevoke(_ generation: Int, uploaders: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for uploader in 0..<uploaders {
                group.addTask {
                    for round in 0..<10 {
                        try await uploadAndRevoke(owner: secret((generation * uploaders + uploader) * 10 + round))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func uploadAndRevoke(owner: Secret) async throws {
        let stored = try await vault.upload(bytes, owner: owner)
        if stored.isNew { tally.note { $0.came += 1 } }
        let found = try await vault.fetch(blob)
        #expect(found == .held(bytes), "acknowledged and not yet revoked")
        try await vault.revoke(on: blob, owner: owner)
    }

    private func sweep() async {
        while !tally.counts.isOver {
            do { _ = try await vault.collect(CollectOptions(searchesForOrphans: false)) } catch {
                Issue.record(error)
            }
            tally.note { $0.sweeps += 1 }
        }
    }

    private func check() async throws {
        while !tally.counts.isOver {
            // Not behind the sweeps, as the vault would have it, but at the same time.
            var check = Check(vault: vault, options: CheckOptions(repair: true))
            let report = try await check.run { _ in }
            #expect(report.isClean, "a row without its file, or other bytes: \(report.findings)")
            tally.note { $0.checks += 1 }
        }
    }

    private func read() async throws {
        while !tally.counts.isOver {
            switch try await vault.fetch(blob) {
            case .damaged: Issue.record("a row without its file")
            case .held(let found): #expect(found == bytes)
            case .gone, .unknown: break
            }
        }
    }
}

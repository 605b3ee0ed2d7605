import Blobs
import Files
import Glibc
import Store
import StoreTestSupport
import Synchronization
import TestSupport
import Testing
import Vault

@Suite struct WriteProbeTests {
    @Test func `however many ask at once, one probe runs, and its answer keeps a while`() async {
        let count = Mutex(0)
        let probe = WriteProbe(freshness: .seconds(600), patience: .seconds(600)) {
            count.withLock { $0 += 1 }
            try? await Task.sleep(for: .milliseconds(30))
            return "no inodes"
        }
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<50 { group.addTask { await probe.failure() } }
            for await failure in group { #expect(failure == "no inodes") }
        }
        #expect(await probe.failure() == "no inodes")
        #expect(count.withLock { $0 } == 1)
    }

    @Test func `an answer that is no longer fresh is found out anew`() async {
        let count = Mutex(0)
        let probe = WriteProbe(freshness: .zero, patience: .seconds(600)) {
            count.withLock { count in
                count += 1
                return count == 1 ? "read-only" : nil
            }
        }
        #expect(await probe.failure() == "read-only")
        #expect(await probe.failure() == nil)
    }

    @Test func `a probe that does not end is a failure`() async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let probe = WriteProbe(freshness: .zero, patience: .milliseconds(40)) {
            for await _ in ends {}
            return nil
        }
        #expect(await probe.failure()?.contains("did not finish") == true)
        end.finish()
    }
}

/// Small file systems of their own that take no writes, each for another reason.
@Suite(.enabled(if: SmallDisk.isPossible, "mounting a small file system takes root"))
struct ReadinessTests {
    @Test func `a store without an inode left is not ready, and is again when one is free`() async throws {
        // 256 folders of blobs, and a few files and folders beside them.
        let disk = try SmallDisk(megabytes: 16, inodes: 300)
        try await Self.withVault(on: disk) { vault async throws in
            #expect(await vault.unreadiness() == nil)
            let files = try disk.exhaustInodes()
            #expect(await vault.unreadiness()?.contains("No space left on device") == true)
            await #expect(throws: StoreError.diskFull) { try await vault.upload(content(1)) }
            try Folder.remove(files[0])
            try Folder.remove(files[1])
            #expect(await vault.unreadiness() == nil)
            try await vault.upload(content(1))
        }
    }

    @Test func `a store whose disk was mounted read-only is not ready, and is again when it is writable`() async throws
    {
        let disk = try SmallDisk(megabytes: 16)
        try await Self.withVault(on: disk) { vault async throws in
            let stored = try await vault.upload(content(1))
            #expect(await vault.unreadiness() == nil)
            try disk.coverReadOnly()
            #expect(await vault.unreadiness()?.contains("Read-only file system") == true)
            #expect(try await vault.fetch(stored.address) == .held(content(1)), "reading goes on")
            await #expect(throws: StoreError.self) { try await vault.upload(content(2)) }
            disk.uncover()
            #expect(await vault.unreadiness() == nil)
            try await vault.upload(content(2))
        }
    }

    @Test func `a store on a full disk is not ready`() async throws {
        let disk = try SmallDisk(megabytes: 8)
        try await Self.withVault(on: disk) { vault async throws in
            #expect(await vault.unreadiness() == nil)
            try disk.exhaust()
            #expect(await vault.unreadiness() == "the disk is full")
        }
    }

    private static func withVault(
        on disk: SmallDisk, _ body: (Vault) async throws -> Void
    ) async throws {
        var settings = VaultSettings.small
        settings.probeFreshness = .zero
        let vault = try await Vault.open(
            at: disk.path, settings: settings, clock: TestClock(), logger: TestStore.quiet)
        do { try await body(vault) } catch {
            await vault.close()
            throw error
        }
        await vault.close()
    }
}

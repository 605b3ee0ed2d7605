import BlobFiles
import Blobs
import DiskStore
import Dispatch
import Files
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import Testing

@testable import Vault

/// What a batch of changes costs the catalog.
@Suite struct BatchTests {
    @Test func `a batch of 64 small uploads takes at most 15 statements`() async throws {
        var store = try TestStore()
        // One thread: when it is free again, all that came before has been done.
        store.settings.threads = 1
        let trace = StatementTrace(of: DiskLayout(root: store.path).catalog)
        let gate = CommitGate(waitsFor: 64)
        try await store.withVault(faults: gate.faults) { vault async throws in
            try await vault.upload(content(1000), owner: secret(1000))
            gate.arm()
            async let first = vault.upload(content(1001), owner: secret(1001))
            // So many bytes that they are staged by another thread than the committing one, which is held.
            let count = 40_000
            await gate.waitUntilHeld()
            trace.take()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 0..<64 {
                    group.addTask {
                        try await vault.upload(
                            content(seed, count: count),
                            on: terms(
                                owner: seed, recipients: 2, receipts: [secret(seed + 100)], subject: "subject \(seed)"))
                    }
                }
                await gate.waitUntilStaged()
                try await vault.workers.run {}
                gate.open()
                try await group.waitForAll()
            }
            _ = try await first
            let statements = trace.take().statements
            #expect(statements.filter { $0.hasPrefix("COMMIT") }.count == 1, "all of them shared a batch")
            #expect(statements.count <= 15, "\(statements.count) statements: \(statements)")
            for seed in 0..<64 {
                let lease = try await vault.lease(on: address(of: content(seed, count: count)), owner: secret(seed))
                #expect(lease.state == .held && lease.recipients == 2)
            }
        }
        #expect(try Charges(ofStore: store.path).charged == Charges(ofStore: store.path).owed)
    }
}

/// Holds the committing thread behind one commit, until so many small uploads have been staged.
private final class CommitGate: Sendable {
    private let isArmed = Mutex(false)
    private let missing: Mutex<Int>
    private let held = AsyncStream<Void>.makeStream()
    private let staged = AsyncStream<Void>.makeStream()
    private let opened = DispatchSemaphore(value: 0)

    init(waitsFor count: Int) { missing = Mutex(count) }

    var faults: FaultPoints { FaultPoints { point throws(FileError) in self.reach(point) } }

    /// The next commit is held.
    func arm() { isArmed.withLock { $0 = true } }

    func waitUntilHeld() async { for await _ in held.stream { break } }

    func waitUntilStaged() async { for await _ in staged.stream { break } }

    func open() { opened.signal() }

    private func reach(_ point: FaultPoint) {
        switch point {
        case .stagedBytesWritten where isHolding:
            let isLast = missing.withLock { missing in
                missing -= 1
                return missing == 0
            }
            if isLast { staged.continuation.yield() }
        case .rowsCommitted where takeArm():
            isHeld.withLock { $0 = true }
            held.continuation.yield()
            opened.wait()
        default: break
        }
    }

    private let isHeld = Mutex(false)
    private var isHolding: Bool { isHeld.withLock { $0 } }

    private func takeArm() -> Bool {
        isArmed.withLock { isArmed in
            defer { isArmed = false }
            return isArmed
        }
    }
}

import BlobFiles
import Blobs
import Dispatch
import Store
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import Vault

/// Looks for blobs, many at once.
@Suite struct BlobLooksTests {
    private final class Count: Sendable {
        private let number = Atomic(0)

        var value: Int { number.load(ordering: .sequentiallyConsistent) }
        func add(_ amount: Int) { number.add(amount, ordering: .sequentiallyConsistent) }
    }

    @Test func `however many look, other work waits for one turn of theirs, and all of them are answered`() async throws
    {
        let pool = BlockingPool(threads: 1)
        let looks = BlobLooks(workers: pool, turnLimit: 1)
        let answered = Count()
        let seen = Count()
        let gate = DispatchSemaphore(value: 0)
        pool.submit {
            gate.wait()
        } orElse: {
        }
        let askers = 5 * BlobLooks.batchLimit
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<askers {
                group.addTask {
                    let found = try await looks.find(address(of: content(number))) { addresses, answer in
                        #expect(addresses.count <= BlobLooks.batchLimit)
                        for index in addresses.indices {
                            answered.add(1)
                            answer(index, .success(nil))
                        }
                    }
                    #expect(found == nil)
                }
            }
            try await eventually { looks.waitingCount == askers }
            pool.submit {
                seen.add(answered.value)
            } orElse: {
            }
            gate.signal()
            try await group.waitForAll()
        }
        #expect(answered.value == askers)
        #expect(seen.value == BlobLooks.batchLimit)
        await pool.shutDown()
    }

    @Test func `where the threads end, all who look are told so`() async throws {
        let pool = BlockingPool(threads: 1)
        let looks = BlobLooks(workers: pool, turnLimit: 2)
        let gate = DispatchSemaphore(value: 0)
        pool.submit {
            gate.wait()
        } orElse: {
        }
        let askers = 3 * BlobLooks.batchLimit
        let refused = Count()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<askers {
                group.addTask {
                    do throws(StoreError) {
                        _ = try await looks.find(address(of: content(number))) { _, _ in }
                    } catch {
                        if case .storeIsClosing = error { refused.add(1) }
                    }
                }
            }
            try? await eventually { looks.waitingCount == askers }
            group.addTask { await pool.shutDown() }
            // What waits for a thread is given back when the threads end, not when they are free.
            try? await eventually { looks.waitingCount == 0 }
            gate.signal()
        }
        #expect(refused.value == askers)
    }
}

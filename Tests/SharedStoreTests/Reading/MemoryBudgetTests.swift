import Blobs
import Store
import Synchronization
import TestSupport
import Testing

@testable import SharedStore

/// The bound on what is in memory at once.
@Suite struct MemoryBudgetTests {
    /// What is in use at a moment.
    private final class Use: Sendable {
        private let state = Mutex((now: Int64(0), most: Int64(0), turns: 0))

        var most: Int64 { state.withLock { $0.most } }
        var turns: Int { state.withLock { $0.turns } }

        func begin(_ bytes: Int64) {
            state.withLock { use in
                use.now += bytes
                use.most = max(use.most, use.now)
                use.turns += 1
            }
        }

        func end(_ bytes: Int64) { state.withLock { $0.now -= bytes } }
    }

    @Test func `no more is taken than there is, and all have their turn`() async throws {
        let budget = MemoryBudget(limitBytes: 100, patience: .seconds(900))
        let use = Use()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                // One needs more than there is: it counts as all.
                let bytes = index == 50 ? 1000 : Int64(index % 60 + 1)
                group.addTask {
                    try await budget.withBytes(bytes) { () async throws(StoreError) in
                        use.begin(min(bytes, 100))
                        await Task.yield()
                        use.end(min(bytes, 100))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(use.most <= 100 && use.turns == 200)
        #expect(budget.isRelaxed)
    }

    @Test func `whoever waits too long is told so, and does not hold up others`() async throws {
        let budget = MemoryBudget(limitBytes: 100, patience: .milliseconds(100))
        try await budget.withBytes(60) { () async throws(StoreError) -> Void in
            #expect(!budget.isRelaxed)
            do throws(StoreError) {
                try await budget.withBytes(50) { () async throws(StoreError) in }
                Issue.record("there was no room")
            } catch {
                if case .unavailable = error {} else { Issue.record("it was refused as \(error)") }
            }
            try await budget.withBytes(40) { () async throws(StoreError) in }
        }
        try await budget.withBytes(100) { () async throws(StoreError) in }
    }

    @Test func `what fails gives back what it took`() async throws {
        let budget = MemoryBudget(limitBytes: 10, patience: .milliseconds(100))
        for _ in 0..<3 {
            await #expect(throws: StoreError.damaged) {
                try await budget.withBytes(10) { () async throws(StoreError) in throw StoreError.damaged }
            }
        }
        #expect(budget.isRelaxed)
    }
}

import Store
import StoreTestSupport
import Testing

/// What the contracts promise of any store.
typealias AnyStore = any LeaseStore & Upkeep & ChangeFeed

extension StoreFixture {
    /// Records an issue unless every subject is charged exactly what it owes. The store must be closed.
    func expectExactCharges() throws {
        let charges = try charges()
        #expect(charges.charged == charges.owed)
    }
}

/// Does something in a task that was cancelled before it began.
func cancelled<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.cancelAll()
        group.addTask { try await body() }
        guard let value = try await group.next() else { throw Unexpected(what: "the task is not there") }
        return value
    }
}

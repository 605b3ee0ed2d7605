import Store
import StoreTestSupport
import Testing

/// What the contracts promise of any store.
typealias AnyStore = any ResumableStore & Upkeep

extension StoreFixture {
    /// Records an issue unless every subject is charged exactly what it owes. The store must be closed.
    func expectExactCharges() throws {
        let charges = try charges()
        #expect(charges.charged == charges.owed)
    }
}

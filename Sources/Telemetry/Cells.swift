import Synchronization

/// Counts side by side that any thread may add to: each addition is one relaxed atomic operation, and nobody waits.
struct Cells<let count: Int>: ~Copyable, Sendable {
    private let cells: InlineArray<count, Atomic<Int>>

    init() { cells = InlineArray { _ in Atomic(0) } }

    borrowing func add(_ amount: Int, at index: Int) {
        cells[index].wrappingAdd(amount, ordering: .relaxed)
    }

    borrowing func value(at index: Int) -> Int {
        cells[index].load(ordering: .relaxed)
    }
}

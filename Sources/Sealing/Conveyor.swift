/// Decides which of two workers does what next: runs are prepared in any order, side by side, and delivered one at
/// a time in their own order.
///
/// A pure value: the workers ask `next()` and report back. Whoever is free delivers if something is ready, else
/// prepares; so both are busy as long as there is work, whatever the two kinds cost, and one worker alone would
/// get everything done as well.
struct Conveyor<Slot: Sendable>: Sendable {
    enum Step: Sendable {
        /// Prepare this run in this slot, then report `prepared`.
        case prepare(Int64, Slot)
        /// Deliver this run from this slot, then report `delivered`.
        case deliver(Int64, Slot)
        /// Nothing to do until the other worker reports.
        case wait
        /// All is delivered, or something failed.
        case stop
    }

    private let count: Int64
    private var freeSlots: [Slot]
    private var ready: [Int64: Result<Slot, SealingError>] = [:]
    private var nextToPrepare: Int64 = 0
    private var isDelivering = false

    /// How many runs have been delivered.
    private(set) var deliveredCount: Int64 = 0
    /// The failure of the first run, in their order, that failed.
    private(set) var failure: SealingError?

    /// Work on `count` runs with these slots, which bound how far preparing may run ahead.
    init(count: Int64, slots: [Slot]) {
        precondition(!slots.isEmpty, "without a slot nothing moves")
        self.count = count
        freeSlots = slots
    }

    /// What the worker that asks shall do.
    mutating func next() -> Step {
        if failure != nil || deliveredCount == count { return .stop }
        if !isDelivering, let outcome = ready.removeValue(forKey: deliveredCount) {
            return deliver(outcome)
        }
        if nextToPrepare < count, let slot = freeSlots.popLast() {
            defer { nextToPrepare += 1 }
            return .prepare(nextToPrepare, slot)
        }
        return .wait
    }

    private mutating func deliver(_ outcome: Result<Slot, SealingError>) -> Step {
        switch outcome {
        case .success(let slot):
            isDelivering = true
            return .deliver(deliveredCount, slot)
        case .failure(let error):
            failure = error
            return .stop
        }
    }

    /// The run `index` is prepared, or cannot be; its failure counts when its turn to be delivered comes.
    mutating func prepared(_ index: Int64, _ outcome: Result<Slot, SealingError>) {
        ready[index] = outcome
    }

    /// The run that was being delivered is, or cannot be.
    mutating func delivered(_ outcome: Result<Slot, SealingError>) {
        isDelivering = false
        switch outcome {
        case .success(let slot):
            deliveredCount += 1
            freeSlots.append(slot)
        case .failure(let error):
            failure = error
        }
    }
}

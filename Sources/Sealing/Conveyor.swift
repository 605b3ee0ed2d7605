/// Decides which of two workers does what next. Every run passes three stations: it is prepared, side by side with
/// others and in any order; its sealed bytes are digested, one run at a time in the runs' order; it is written, one run
/// at a time in that order, while others are digested and prepared.
///
/// A pure value: the workers ask `next()` and report back. Whoever is free takes the step nearest to the end; so both
/// are busy as long as there is work, whatever the steps cost, and one worker alone would get everything done as well.
struct Conveyor<Slot: Sendable>: Sendable {
    enum Step: Sendable {
        case prepare(Int64, Slot)
        case digest(Int64, Slot)
        case write(Int64, Slot)
        /// Nothing to do until the other worker reports.
        case wait
        /// All is written, or something failed.
        case stop
    }

    /// A station that takes one run at a time, in order.
    private struct Station: Sendable {
        var waiting: [Int64: Result<Slot, SealingError>] = [:]
        var isBusy = false
        var doneCount: Int64 = 0

        /// Takes what is next in order, if it is here and the station is free.
        mutating func takeNext() -> Result<Slot, SealingError>? {
            guard !isBusy, let outcome = waiting.removeValue(forKey: doneCount) else { return nil }
            isBusy = true
            return outcome
        }

        mutating func finish() {
            isBusy = false
            doneCount += 1
        }
    }

    private let count: Int64
    private var freeSlots: [Slot]
    private var preparing: Int64 = 0
    private var digesting = Station()
    private var writing = Station()

    /// The failure of the first run, in their order, that failed.
    private(set) var failure: SealingError?

    /// Work on `count` runs with these slots, which bound how far preparing may run ahead.
    init(count: Int64, slots: [Slot]) {
        precondition(!slots.isEmpty, "without a slot nothing moves")
        self.count = count
        freeSlots = slots
    }

    /// How many runs are written.
    var writtenCount: Int64 { writing.doneCount }

    /// What the worker that asks shall do; it reports the outcome to the function of that name.
    mutating func next() -> Step {
        if failure != nil || writtenCount == count { return .stop }
        if let outcome = writing.takeNext() {
            let index = writing.doneCount
            return start(outcome) { .write(index, $0) }
        }
        if let outcome = digesting.takeNext() {
            let index = digesting.doneCount
            return start(outcome) { .digest(index, $0) }
        }
        if preparing < count, let slot = freeSlots.popLast() {
            defer { preparing += 1 }
            return .prepare(preparing, slot)
        }
        return .wait
    }

    /// A failure counts only here, where the run's turn has come: of several the first in order is told.
    private mutating func start(_ outcome: Result<Slot, SealingError>, _ step: (Slot) -> Step) -> Step {
        switch outcome {
        case .success(let slot): return step(slot)
        case .failure(let error):
            failure = failure ?? error
            return .stop
        }
    }

    mutating func prepared(_ index: Int64, _ outcome: Result<Slot, SealingError>) {
        digesting.waiting[index] = outcome
    }

    mutating func digested(_ slot: Slot) {
        writing.waiting[digesting.doneCount] = .success(slot)
        digesting.finish()
    }

    mutating func written(_ outcome: Result<Slot, SealingError>) {
        switch outcome {
        case .success(let slot): freeSlots.append(slot)
        case .failure(let error): failure = failure ?? error
        }
        writing.finish()
    }
}

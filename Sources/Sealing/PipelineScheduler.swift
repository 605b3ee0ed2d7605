/// Decides which of two workers does what next. Every run passes three stages: it is prepared, in parallel with others and
/// in any order; its sealed bytes are digested, one run at a time and in order; it is written, one run at a time and in
/// order, while others are digested and prepared.
///
/// A pure value: workers call `next()` and report the outcome. A free worker takes the step nearest to the end, so both are
/// busy as long as there is work, whatever the steps cost, and one worker alone would finish as well.
struct PipelineScheduler<Slot: Sendable>: Sendable {
    enum Step: Sendable {
        case prepare(Int64, Slot)
        case digest(Int64, Slot)
        case write(Int64, Slot)
        /// There is nothing to do until the other worker reports.
        case wait
        /// Everything is written, or something failed.
        case stop
    }

    /// A stage that takes one run at a time, in order.
    private struct Stage: Sendable {
        var waiting: [Int64: Result<Slot, SealingError>] = [:]
        var isBusy = false
        var doneCount: Int64 = 0

        /// Takes the next run, if it has arrived and the stage is free.
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
    private var digesting = Stage()
    private var writing = Stage()

    /// The failure of the first run, in order, that failed.
    private(set) var failure: SealingError?

    /// Schedules `count` runs over these slots, which limit how far preparing may run ahead.
    init(count: Int64, slots: [Slot]) {
        precondition(!slots.isEmpty, "at least one slot")
        self.count = count
        freeSlots = slots
    }

    /// The number of runs written.
    var writtenCount: Int64 { writing.doneCount }

    /// The next step for the calling worker, which reports the outcome to the matching function below.
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

    /// A failure counts only when the run's turn has come: of several, the first in order is thrown.
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

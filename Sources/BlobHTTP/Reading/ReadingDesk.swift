import Blobs
import NIOCore
import Store

/// Where one event loop turns addresses into blobs that are ready. Used on that loop alone.
final class ReadingDesk {
    /// Hears what was found.
    typealias Hearer = (Result<ReadyBlob, Problem>) -> Void

    /// Requests that wait for one look at the store.
    private struct Waiting {
        /// They came before the look began.
        var asked: [Hearer]
        /// They came while it was under way: what it finds counts for them only if nothing has changed meanwhile.
        var joined: [Hearer] = []
        let validity: ValidityToken
    }

    /// Between two looks for what may not be served any more.
    private static let sweepInterval = TimeAmount.seconds(1)

    let reads: BlobReads
    private let loop: any EventLoop
    private let table: ReadyTable
    private let dates = DateText()
    private var waiting: [BlobAddress: Waiting] = [:]
    private var sweep: Scheduled<Void>?

    init(_ reads: BlobReads, loop: any EventLoop, limits: ReadyTable.Limits) {
        self.reads = reads
        self.loop = loop
        table = ReadyTable(limits: limits)
    }

    /// The present moment as the store counts it.
    var now: Timestamp { reads.store.now() }

    /// The blob at `address`, if it is ready.
    func readyBlob(_ address: BlobAddress, now: Timestamp) -> ReadyBlob? { table.blob(address, now: now) }

    /// Looks at the store, once for everybody who asks at the same time.
    func find(_ address: BlobAddress, for intent: ReadIntent, _ hearer: @escaping Hearer) {
        guard waiting[address] == nil else {
            waiting[address]?.joined.append(hearer)
            return
        }
        look(for: address, intent, [hearer])
    }

    func close() {
        sweep?.cancel()
        sweep = nil
        table.removeAll()
    }

    private func look(for address: BlobAddress, _ intent: ReadIntent, _ hearers: [Hearer]) {
        // Before the truth is looked at, so that a change after that look is never missed.
        let validity = reads.store.validity(of: address)
        waiting[address] = Waiting(asked: hearers, validity: validity)
        let desk = NIOLoopBound(self, eventLoop: loop)
        Task { [reads, loop] in
            let finding = await reads.find(address, for: intent)
            loop.execute { desk.value.hear(finding, of: address, intent) }
        }
    }

    private func hear(_ finding: BlobReads.Finding, of address: BlobAddress, _ intent: ReadIntent) {
        guard let waiting = waiting.removeValue(forKey: address) else { return }
        let isCurrent = waiting.validity.isCurrent
        let result: Result<ReadyBlob, Problem>
        switch finding {
        case .refused(let problem): result = .failure(problem)
        case .held(let blob, let body):
            let ready = reads.ready(blob, body: body, validity: waiting.validity, dates: dates)
            if ready.isServable(at: now) { keep(ready) }
            result = .success(ready)
        }
        let (served, again) = isCurrent ? (waiting.asked + waiting.joined, []) : (waiting.asked, waiting.joined)
        if !again.isEmpty { look(for: address, intent, again) }
        for hearer in served { hearer(result) }
    }

    private func keep(_ blob: ReadyBlob) {
        table.insert(blob)
        guard sweep == nil else { return }
        armSweep()
    }

    private func armSweep() {
        sweep = loop.assumeIsolated().scheduleTask(in: Self.sweepInterval) { [weak self] in
            guard let self else { return }
            table.dropEnded(at: now)
            sweep = nil
            if !table.isEmpty { armSweep() }
        }
    }
}

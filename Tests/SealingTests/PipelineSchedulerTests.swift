import TestSupport
import Testing

@testable import Sealing

@Suite
struct PipelineSchedulerTests {
    @Test(arguments: 1...40)
    func `do every step once and in order, whatever takes how long`(_ seed: Int) throws {
        var simulation = Simulation(runs: Int64(seed % 23), slots: 1 + seed % 5, workers: 2, seed: UInt64(seed))
        try simulation.run()
        #expect(simulation.scheduler.failure == nil)
        #expect(simulation.digested == Array(0..<Int64(seed % 23)))
        #expect(simulation.written == simulation.digested)
        #expect(simulation.prepared.sorted() == simulation.digested)
    }

    @Test func `are not needed: one does it all`() throws {
        var simulation = Simulation(runs: 10, slots: 3, workers: 1, seed: 0)
        try simulation.run()
        #expect(simulation.written == Array(0..<10))
    }

    @Test(arguments: 1...40)
    func `tell the failure of the run that comes first, and stop`(_ seed: Int) throws {
        var simulation = Simulation(runs: 20, slots: 4, workers: 2, seed: UInt64(seed))
        simulation.failing = [7, 8, 9]
        try simulation.run()
        #expect(simulation.scheduler.failure == .chunk(7))
        #expect(simulation.written.count <= 7)
        #expect(simulation.digested.allSatisfy { $0 < 7 })
    }

    @Test func `stop when writing fails`() throws {
        var simulation = Simulation(runs: 20, slots: 4, workers: 2, seed: 1)
        simulation.unwritable = 5
        try simulation.run()
        #expect(simulation.scheduler.failure == .padding)
        #expect(simulation.written == Array(0..<5))
    }
}

/// Workers whose steps end in an order that a seed decides.
private struct Simulation {
    var scheduler: PipelineScheduler<Int>
    var failing: Set<Int64> = []
    var unwritable: Int64?
    private(set) var prepared: [Int64] = []
    private(set) var digested: [Int64] = []
    private(set) var written: [Int64] = []
    private var underWay: [PipelineScheduler<Int>.Step] = []
    private let workers: Int
    private var generator: SeededGenerator

    init(runs: Int64, slots: Int, workers: Int, seed: UInt64) {
        scheduler = PipelineScheduler(count: runs, slots: Array(0..<slots))
        self.workers = workers
        generator = SeededGenerator(seed: seed)
    }

    mutating func run() throws {
        while true {
            var isOver = false
            while underWay.count < workers {
                let step = scheduler.next()
                if case .wait = step { break }
                if case .stop = step {
                    isOver = true
                    break
                }
                underWay.append(step)
            }
            if underWay.isEmpty {
                try #require(isOver, "nobody works and it is not over")
                return
            }
            finish(underWay.remove(at: Int.random(in: 0..<underWay.count, using: &generator)))
        }
    }

    private mutating func finish(_ step: PipelineScheduler<Int>.Step) {
        switch step {
        case .prepare(let run, let slot):
            prepared.append(run)
            scheduler.prepared(run, failing.contains(run) ? .failure(.chunk(run)) : .success(slot))
        case .digest(let run, let slot):
            digested.append(run)
            scheduler.digested(slot)
        case .write(let run, let slot):
            if run == unwritable {
                scheduler.written(.failure(.padding))
            } else {
                written.append(run)
                scheduler.written(.success(slot))
            }
        case .wait, .stop: break
        }
    }
}

import TestSupport
import Testing

@testable import CacheFolder

/// Which blocks are fetched, in which requests.
@Suite struct FillPlanTests {
    private static let block = BlockMap.blockBytes

    @Test func `a map finds blocks, as a plain list does`() {
        var random = SeededGenerator(seed: 5)
        for count in [1, 63, 64, 65, 200, 1000] {
            var map = BlockMap(size: Int64(count - 1) * Self.block + 7)
            var list = [Bool](repeating: false, count: count)
            #expect(map.count == count)
            for _ in 0..<300 {
                let block = Int.random(in: 0..<count, using: &random)
                map.insert(block)
                list[block] = true
                let from = Int.random(in: 0...count, using: &random)
                #expect(map.firstPresent(from: from) == list[from...].firstIndex(of: true) ?? count)
                #expect(map.present == list.count { $0 } && map.isFull == !list.contains(false))
            }
        }
    }

    @Test func `a range costs the blocks that it touches`() throws {
        var plan = FillPlan(size: 64 << 20)
        let begun = plan.demand(50_000_000, to: 50_100_000)
        let run = try #require(begun)
        #expect(run.run.start == 50_000_000 / Self.block * Self.block)
        #expect(run.run.end == (50_099_999 / Self.block + 1) * Self.block && run.run.ceiling == run.run.end)
        do {
            let begun = plan.demand(50_000_000, to: 50_100_000)
            #expect(begun == nil, "that is on its way")
        }
    }

    @Test func `ranges that follow each other are two requests`() throws {
        let size: Int64 = 64 << 20
        var plan = FillPlan(size: size)
        var runs: [Int] = []
        for start in stride(from: Int64(0), to: size, by: 1 << 20) {
            let end = start + 1 << 20
            while case let missing = plan.available(from: start, limit: end), missing < end {
                if let (id, _) = plan.demand(missing, to: end) { runs.append(id) }
                let id = try #require(runs.last)
                let room = plan.room(of: id)
                try #require(room > 0, "whoever is waited for may go on")
                if plan.advance(id, by: min(room, 100_000)) { plan.end(id) }
            }
        }
        #expect(runs.count == 2)
        #expect(plan.map.present >= plan.map.count - 1)
    }

    @Test func `a run that follows readers stays a little ahead of them`() throws {
        var plan = FillPlan(size: 64 << 20)
        let begun = plan.demand(0, to: 1 << 20)
        let first = try #require(begun)
        _ = plan.advance(first.id, by: 1 << 20)
        plan.end(first.id)
        let next = plan.demand(1 << 20, to: 2 << 20)
        let second = try #require(next)
        #expect(second.run.end == 64 << 20 && second.run.ceiling == 3 << 20)
        _ = plan.advance(second.id, by: 2 << 20)
        #expect(plan.room(of: second.id) == 0)
        do {
            let begun = plan.demand(3 << 20, to: 4 << 20)
            #expect(begun == nil)
        }
        #expect(plan.room(of: second.id) > 0)
    }

    @Test func `whoever is far ahead of a run gets one of its own, up to a limit`() throws {
        var plan = FillPlan(size: 1 << 30)
        do {
            let begun = plan.demand(0, to: 1 << 30)
            #expect(begun != nil)
        }
        do {
            let begun = plan.demand(1 << 20, to: 2 << 20)
            #expect(begun == nil, "the first comes by soon")
        }
        for number in 1..<Int64(FillPlan.runLimit) {
            do {
                let begun = plan.demand(number * 100 << 20, to: number * 100 << 20 + 1)
                #expect(begun != nil)
            }
        }
        do {
            let begun = plan.demand(900 << 20, to: 900 << 20 + 1)
            #expect(begun == nil)
        }
    }

    @Test func `a run ends at what is here already, and at what another one brings`() throws {
        var plan = FillPlan(size: 10 * Self.block)
        let begun = plan.demand(5 * Self.block, to: 6 * Self.block)
        let middle = try #require(begun)
        let other = plan.demand(0, to: 10 * Self.block)
        let whole = try #require(other)
        #expect(whole.run.end == 5 * Self.block)
        _ = plan.advance(middle.id, by: Self.block)
        plan.end(middle.id)
        let isOver = plan.advance(whole.id, by: 5 * Self.block)
        #expect(isOver)
    }

    @Test func `a stream that is not within the blob is no run`() {
        var plan = FillPlan(size: 3 * Self.block)
        for range in [0..<3 * Self.block + 1, 0..<10 * Self.block, Self.block..<Self.block] as [Range<Int64>] {
            let run = plan.begin(range)
            #expect(run == nil)
        }
        let run = plan.begin(Self.block..<3 * Self.block)
        #expect(run != nil)
    }

    @Test func `a run stops where another has begun, and the next goes on in the middle of a block`() throws {
        var plan = FillPlan(size: 10 * Self.block)
        #expect(plan.available(from: 0, limit: 10) == 0)
        let begun = plan.demand(5 * Self.block, to: 7 * Self.block)
        let middle = try #require(begun)
        _ = plan.advance(middle.id, by: Self.block + 100)
        plan.end(middle.id)
        #expect(plan.available(from: 5 * Self.block, limit: 10 * Self.block) == 6 * Self.block + 100)
        #expect(plan.begin(0..<plan.size) == nil, "bytes are here")
        let next = plan.demand(6 * Self.block + 100, to: 7 * Self.block)
        let rest = try #require(next)
        #expect(rest.run.start == 6 * Self.block + 100 && rest.run.end == 7 * Self.block)
        plan.end(rest.id)
        let other = plan.demand(7 * Self.block, to: 10 * Self.block)
        _ = try #require(other)
        let first = plan.demand(0, to: 10 * Self.block)
        #expect(first?.run.end == 5 * Self.block)
    }

    /// Readers that come and go by chance: what is said to be available was brought, and all get what they want.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func `whatever readers want, they get it once`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let size = Int64.random(in: 1...3_000_000, using: &random)
        var plan = FillPlan(size: size)
        var brought = [Bool](repeating: false, count: Int(size))
        var active: [Int] = []
        for _ in 0..<40 {
            let start = Int64.random(in: 0..<size, using: &random)
            let end = Int64.random(in: start + 1...size, using: &random)
            var position = start
            var turns = 0
            while position < end {
                turns += 1
                guard turns < 10_000 else {
                    Issue.record("a reader waits for ever, \(seed)")
                    return
                }
                let here = plan.available(from: position, limit: end)
                #expect(brought[Int(position)..<Int(here)].allSatisfy { $0 })
                position = here
                if position == end { break }
                if let (id, _) = plan.demand(position, to: end) { active.append(id) }
                guard let id = active.randomElement(using: &random), let run = plan.runs[id] else { continue }
                let room = plan.room(of: id)
                if room == 0 || Int.random(in: 0..<20, using: &random) == 0 {
                    // It broke off, or its readers have left.
                    plan.end(id)
                    active.removeAll { $0 == id }
                    continue
                }
                let count = Int64.random(in: 1...min(room, 90_000), using: &random)
                for byte in run.position..<run.position + count {
                    if brought[Int(byte)] {
                        Issue.record("byte \(byte) comes twice, \(seed)")
                        return
                    }
                    brought[Int(byte)] = true
                }
                if plan.advance(id, by: count) {
                    plan.end(id)
                    active.removeAll { $0 == id }
                }
            }
        }
        #expect(plan.runs.count <= FillPlan.runLimit)
    }
}

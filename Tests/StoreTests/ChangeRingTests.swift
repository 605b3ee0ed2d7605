import Blobs
import Store
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15))) struct ChangeRingTests {
    private func prefix(_ number: UInt64) throws -> AddressPrefix { try #require(AddressPrefix(bits: number)) }

    private func at(_ ring: ChangeRing, _ number: Int64) -> ChangePosition {
        ChangePosition(epoch: ring.position.epoch, number: number)
    }

    @Test func `changes are numbered from 1, and each reader reads on from where it is`() throws {
        let ring = ChangeRing()
        #expect(ring.position.number == 0)
        #expect(ring.read(after: ring.position, limit: 10) == .changes([]))
        ring.append([try prefix(1), try prefix(2)])
        ring.append([AddressPrefix]())
        ring.append([try prefix(3)])
        #expect(ring.position.number == 3)
        #expect(ring.read(after: at(ring, 0), limit: 10) == .changes([try prefix(1), try prefix(2), try prefix(3)]))
        #expect(ring.read(after: at(ring, 1), limit: 1) == .changes([try prefix(2)]))
        #expect(ring.read(after: at(ring, 3), limit: 10) == .changes([]))
    }

    @Test func `an address is kept as its first 48 bits`() throws {
        let ring = ChangeRing()
        let address = try #require(BlobAddress(hex: "3fa9c1d2e07b" + String(repeating: "5", count: 52)))
        ring.append([address])
        #expect(ring.read(after: at(ring, 0), limit: 1) == .changes([AddressPrefix(address)]))
    }

    @Test(arguments: [1, 2, 8, 1 << 17])
    func `a position whose changes are no longer there is lost, and so is one that never was`(capacity: Int) throws {
        let ring = ChangeRing(capacity: capacity)
        for number in 0..<UInt64(3 * capacity + 1) { ring.append([try prefix(number)]) }
        let last = ring.position.number
        let oldest = last - Int64(capacity)
        #expect(ring.read(after: at(ring, oldest - 1), limit: 1) == .lost)
        #expect(ring.read(after: at(ring, oldest), limit: 1) == .changes([try prefix(UInt64(oldest))]))
        let all = try (UInt64(oldest)..<UInt64(last)).map { try prefix($0) }
        #expect(ring.read(after: at(ring, oldest), limit: .max) == .changes(all))
        #expect(ring.read(after: at(ring, last), limit: 1) == .changes([]))
        #expect(ring.read(after: at(ring, last + 1), limit: 1) == .lost)
        #expect(ring.read(after: at(ring, .max), limit: 1) == .lost)
        #expect(ring.read(after: ChangePosition(epoch: ring.position.epoch ^ 1, number: last), limit: 1) == .lost)
    }

    @Test func `each ring has an epoch of its own`() {
        #expect(Set((0..<100).map { _ in ChangeRing().position.epoch }).count == 100)
    }

    @Test func `any number of readers wait, and all hear of a change`() async throws {
        let ring = ChangeRing()
        let start = ring.position
        let change = try prefix(7)
        let heard = try await withThrowingTaskGroup(of: ChangeRing.NextChanges.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    await ring.waitForMore(after: start)
                    return ring.read(after: start, limit: 10)
                }
            }
            try await eventually { ring.waiterCount == 100 }
            ring.append([change])
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(heard == [ChangeRing.NextChanges](repeating: .changes([change]), count: 100) && ring.waiterCount == 0)
        await ring.waitForMore(after: start)
        await ring.waitForMore(after: ChangePosition(epoch: start.epoch, number: 5))
    }

    @Test func `who is cancelled waits no longer, and leaves nothing behind`() async throws {
        let ring = ChangeRing()
        let start = ring.position
        let waiting = Task { await ring.waitForMore(after: start) }
        try await eventually { ring.waiterCount == 1 }
        waiting.cancel()
        await waiting.value
        #expect(ring.waiterCount == 0)
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { await ring.waitForMore(after: start) }
        }
        #expect(ring.waiterCount == 0, "cancelled before")
    }

    @Test func `who misses changes starts over: no position from before counts`() async throws {
        let ring = ChangeRing()
        ring.append([try prefix(1)])
        let before = ring.position
        let waiting = Task { await ring.waitForMore(after: before) }
        try await eventually { ring.waiterCount == 1 }
        ring.startOver()
        await waiting.value
        #expect(ring.position.epoch != before.epoch && ring.position.number == 0)
        #expect(ring.read(after: before, limit: 1) == .lost)
        ring.append([try prefix(2)])
        #expect(ring.read(after: before, limit: 1) == .lost)
        #expect(ring.read(after: at(ring, 0), limit: 1) == .changes([try prefix(2)]))
    }

    @Test func `a ring that closes is read to its end`() async throws {
        let ring = ChangeRing()
        ring.append([try prefix(1)])
        let end = ring.position
        let waiting = Task { await ring.waitForMore(after: end) }
        try await eventually { ring.waiterCount == 1 }
        ring.close()
        await waiting.value
        #expect(ring.read(after: at(ring, 0), limit: 1) == .changes([try prefix(1)]))
        #expect(ring.read(after: end, limit: 1) == .closed)
        await ring.waitForMore(after: end)
    }

    @Test func `while others write, a reader misses nothing and hears nothing twice`() async throws {
        let ring = ChangeRing(capacity: 1 << 15)
        let start = ring.position
        let (writers, each) = (4, 5000)
        let heard = await withTaskGroup(of: [AddressPrefix].self) { group in
            for writer in 0..<writers {
                group.addTask {
                    for number in 0..<each {
                        ring.append([AddressPrefix(bits: UInt64(writer * each + number))].compactMap { $0 })
                        if number % 100 == 0 { await Task.yield() }
                    }
                    return []
                }
            }
            group.addTask {
                var (position, heard) = (start, [AddressPrefix]())
                while heard.count < writers * each {
                    await ring.waitForMore(after: position)
                    guard case .changes(let prefixes) = ring.read(after: position, limit: 64) else { break }
                    heard += prefixes
                    position = ChangePosition(epoch: position.epoch, number: position.number + Int64(prefixes.count))
                }
                return heard
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(heard.map(\.bits).sorted() == (0..<UInt64(writers * each)).map { $0 })
        for writer in 0..<UInt64(writers) {
            let own = heard.map(\.bits).filter { $0 / UInt64(each) == writer }
            #expect(own == own.sorted(), "the order of each writer is kept")
        }
    }
}

import Blobs
import CacheFolder
import Testing

@Suite struct EvictionTests {
    /// What is in an index at 1,000 s, and which blob goes first.
    struct Choice: CustomTestStringConvertible {
        let why: String
        let goes: UInt64
        let entries: [CacheEntry]

        init(_ why: String, goes: UInt64, _ entries: CacheEntry...) {
            self.why = why
            self.goes = goes
            self.entries = entries
        }

        var testDescription: String { why }
    }

    @Test(arguments: [
        Choice("the only one", goes: 1, entry(address(1))),
        Choice(
            "a marked one before one that has ended", goes: 2,
            entry(address(1), sunset: 500), entry(address(2), marked: 999), entry(address(3))),
        Choice(
            "of two marked ones that which has ended", goes: 2,
            entry(address(1), marked: 100), entry(address(2), size: 0, arrived: 999, sunset: 1000, marked: 999)),
        Choice(
            "one that has ended before one that is large, old and unread", goes: 2,
            entry(address(1), size: 1 << 40, reads: 0), entry(address(2), size: 1, arrived: 999, reads: 9, sunset: 1000)
        ),
        Choice(
            "one that ends in the next second is like any other", goes: 1,
            entry(address(1)), entry(address(2), arrived: 999, sunset: 1001)),
        Choice("the older one", goes: 2, entry(address(1), arrived: 500), entry(address(2), arrived: 499)),
        Choice(
            "the one that was not read for longer", goes: 2,
            entry(address(1), read: 900), entry(address(2), read: 899)),
        Choice("the larger one", goes: 2, entry(address(1), size: 1_000_000), entry(address(2), size: 1_000_001)),
        Choice("the one with fewer reads", goes: 2, entry(address(1), reads: 2), entry(address(2), reads: 1)),
        Choice(
            "16 times the size is twice the time", goes: 1,
            entry(address(1), size: 161, arrived: 501), entry(address(2), size: 10, arrived: 1)),
        Choice(
            "15 times the size is less than twice the time", goes: 2,
            entry(address(1), size: 150, arrived: 501), entry(address(2), size: 10, arrived: 1)),
        Choice(
            "three reads are worth twice as much as one", goes: 2,
            entry(address(1), arrived: 1, reads: 3), entry(address(2), arrived: 500, reads: 1)),
        Choice(
            "age and idleness count alike", goes: 2,
            entry(address(1), arrived: 1, read: 950), entry(address(2), arrived: 701, read: 701)),
        Choice(
            "a time to come is now", goes: 2,
            entry(address(1), arrived: 5000), entry(address(2), arrived: 999)),
        Choice(
            "an empty blob is no smaller than one of a byte", goes: 2,
            entry(address(1), size: 0, arrived: 1), entry(address(2), size: 0)),
    ])
    func `the least useful blob goes first`(choice: Choice) {
        for entries in [choice.entries, choice.entries.reversed()] {
            var index = CacheIndex(seed: 1)
            for entry in entries { index.insert(entry) }
            #expect(index.victim(at: time(1000)) == address(choice.goes))
        }
    }

    @Test func `of an empty index nothing goes`() {
        var index = CacheIndex(seed: 1)
        #expect(index.victim(at: time(0)) == nil)
        #expect(index.due(at: time(0), examining: 10) == [])
    }

    @Test func `marked ones go first however many others there are`() {
        var index = CacheIndex(seed: 1)
        for number in 0..<5000 as Range<UInt64> { index.insert(entry(address(number), sunset: 10)) }
        let marked = Set((0..<50).map { address($0 * 97) })
        for address in marked { index.markAll(withPrefix: CacheIndex.prefix(of: address), at: time(99)) }
        var gone: Set<BlobAddress> = []
        for _ in 0..<50 {
            guard let victim = index.victim(at: time(100)) else { break }
            gone.insert(victim)
            index.remove(victim)
        }
        #expect(gone == marked)
    }

    @Test func `of many that have ended nearly every choice finds one`() {
        var index = CacheIndex(seed: 1)
        for number in 0..<10_000 as Range<UInt64> {
            index.insert(entry(address(number), sunset: number.isMultiple(of: 5) ? 10 : 10_000))
        }
        var found = 0
        for _ in 0..<500 {
            guard let victim = index.victim(at: time(100)) else { break }
            if index.remove(victim)?.sunset == time(10) { found += 1 }
        }
        #expect(found > 480)
    }

    @Test func `large blobs come in their turn, as many as there are bytes for, and small ones never`() {
        var index = CacheIndex(seed: 1)
        for number in 0..<100 as Range<UInt64> { index.insert(entry(address(number), size: number < 10 ? 100 : 5)) }
        var seen: [BlobAddress] = []
        for _ in 0..<5 {
            let (found, isThrough) = index.large(over: 50, upTo: 250, examining: 1000)
            #expect(found.count == 2 && !isThrough)
            seen += found.map(\.address)
        }
        #expect(Set(seen) == Set((0..<10).map { address($0) }))
        let (none, isThrough) = index.large(over: 50, upTo: 99, examining: 1000)
        #expect(none.isEmpty && !isThrough, "it waits for more bytes")
        #expect(index.large(over: 500, upTo: .max, examining: 1000).isThrough)
    }

    @Test func `what has ended, and what was marked and is not read, is due`() {
        var index = CacheIndex(seed: 1)
        for number in 0..<2500 as Range<UInt64> { index.insert(entry(address(number))) }
        index.insert(entry(address(3000), sunset: 1000))
        index.insert(entry(address(3001), sunset: 1001))
        index.insert(entry(address(3002), marked: 100))
        index.insert(entry(address(3003), marked: 101))
        index.insert(entry(address(3004), read: 101, marked: 50))
        index.insert(entry(address(3005), read: 99, marked: 50))
        var found: [BlobAddress] = []
        for _ in 0..<6 {
            let due = index.due(at: time(1000), examining: 500)
            for address in due { index.remove(address) }
            found += due
        }
        #expect(Set(found) == [address(3000), address(3002), address(3005)])
        #expect(index.due(at: time(1001), examining: .max).count == 3)
    }
}

import Blobs
import TestSupport
import Testing

@testable import CacheFolder

@Suite struct CacheIndexTests {
    @Test(arguments: [1, 2])
    func `an index is a dictionary by address that can be searched by prefix`(seed: UInt64) {
        var walk = IndexWalk(seed: seed)
        // It grows, stays, shrinks to nothing, and grows again.
        for (steps, insertions) in [(6000, 70), (2000, 45), (9000, 15), (1000, 70)] {
            for _ in 0..<steps { walk.step(insertionPercent: insertions) }
            #expect(walk.index.all == walk.model)
            #expect(walk.index.bytes == walk.model.values.reduce(0) { $0 + $1.size })
        }
        #expect(walk.largest > 2000)
        #expect(walk.emptied > 0)
    }

    @Test func `all entries of a prefix are found, and none beside it`() {
        var index = CacheIndex(seed: 1)
        for prefix in 0..<200 as Range<UInt64> {
            for tail in 0..<prefix % 5 { index.insert(entry(address(prefix, tail))) }
        }
        for prefix in 0..<200 as Range<UInt64> {
            let found = index.addresses(withPrefix: prefix)
            #expect(found.count == Int(prefix % 5))
            #expect(Set(found) == Set((0..<prefix % 5).map { address(prefix, $0) }))
        }
        #expect(index.addresses(withPrefix: 200) == [])
        #expect(index.addresses(withPrefix: 1 | 1 << 48) == [], "a number of more than 48 bits is no prefix")
        #expect(CacheIndex.prefix(of: address(0xabcd_ef01_2345, .max)) == 0xabcd_ef01_2345)
    }

    @Test func `marking concerns all entries of a prefix, and keeps the first time`() {
        var index = CacheIndex(seed: 1)
        for tail in 0..<3 as Range<UInt64> { index.insert(entry(address(7, tail))) }
        index.insert(entry(address(8)))
        #expect(index.markAll(withPrefix: 7, at: time(10)) == 3)
        #expect(index.markAll(withPrefix: 7, at: time(20)) == 3)
        #expect(index.markAll(withPrefix: 9, at: time(20)) == 0)
        #expect(index.markedCount == 3)
        #expect(index.entry(address(7, 1))?.marked == time(10))
        #expect(index.entry(address(8))?.isMarked == false)
        #expect(index.change(address(7, 1)) { $0.marked = nil } == true)
        #expect(index.markedCount == 2)
    }

    @Test func `reads are counted, and the last one stays the last`() {
        var index = CacheIndex(seed: 1)
        index.insert(entry(address(1), reads: 0))
        #expect(index.noteRead(address(1), at: time(50)) == true)
        #expect(index.noteRead(address(1), times: 9, at: time(40)) == true, "reports of two event loops may cross")
        #expect(index.entry(address(1))?.reads == 10)
        #expect(index.entry(address(1))?.lastRead == time(50))
        index.noteRead(address(1), times: .max, at: time(60))
        #expect(index.entry(address(1))?.reads == 65_535)
        index.noteRead(address(1), times: .min, at: time(70))
        #expect(index.entry(address(1))?.reads == 65_535)
        #expect(index.noteRead(address(2), at: time(50)) == false)
        #expect(index.change(address(2)) { $0.size = 3 } == false)
        #expect(index.remove(address(2)) == nil)
    }

    @Test func `numbers that do not fit are clamped`() {
        var index = CacheIndex(seed: 1)
        for number in [Int64.min, -1, 1 << 32, .max] {
            let moment = Timestamp(seconds: number)
            var extreme = CacheEntry(
                address: address(1), size: number, sunset: moment, arrived: moment, reads: Int(number))
            extreme.marked = moment
            index.insert(extreme)
            let nearest = Timestamp(seconds: number < 0 ? 0 : Int64(UInt32.max))
            #expect(index.entry(address(1))?.sunset == nearest)
            #expect(index.entry(address(1))?.marked == nearest)
            #expect(index.entry(address(1))?.size == max(number, 0))
            #expect(index.entry(address(1))?.reads == (number < 0 ? 0 : 65_535))
            #expect(index.victim(at: moment) == address(1))
            _ = index.due(at: moment, examining: .max)
        }
        for tail in 0..<9 as Range<UInt64> { index.insert(entry(address(2, tail), size: .max)) }
        for found in index.all.keys { index.remove(found) }
        #expect(index.bytes == 0, "even a sum that no disk holds comes back to 0")
    }

    @Test func `a million entries take at most 96 MB`() throws {
        #expect(MemoryLayout<PackedEntry>.stride == 64)
        var entries = EntryPages()
        var packed = PackedEntry(entry(address(0)))
        for number in 0..<1_000_000 as Range<UInt64> {
            packed.words.first = number << 16
            entries.append(packed)
        }
        let index = try CacheIndex(entries, seed: 1)
        #expect(index.count == 1_000_000)
        #expect(index.allocatedBytes <= 96_000_000)
    }

    @Test func `an index takes little more than 64 bytes an entry at any length`() {
        var index = CacheIndex(seed: 1)
        for number in 0..<20_000 as Range<UInt64> {
            index.insert(entry(address(number)))
            if index.count >= 10_000 { #expect(index.allocatedBytes <= index.count * 88) }
        }
        for number in 0..<19_000 as Range<UInt64> { index.remove(address(number)) }
        #expect(index.allocatedBytes <= index.count * 192, "and gives back what it does not need")
    }
}

/// Random changes of an index and of a dictionary.
private struct IndexWalk {
    private(set) var index: CacheIndex
    private(set) var model: [BlobAddress: CacheEntry] = [:]
    private(set) var largest = 0
    /// How often the last entry went.
    private(set) var emptied = 0
    /// All that are there, and some that are gone.
    private var known: [BlobAddress] = []
    private var random: SeededGenerator

    init(seed: UInt64) {
        index = CacheIndex(seed: seed)
        random = SeededGenerator(seed: seed)
    }

    mutating func step(insertionPercent: Int) {
        let wasEmpty = model.isEmpty
        switch Int.random(in: 0..<100, using: &random) {
        case ..<insertionPercent: insert()
        case ..<80: remove()
        case ..<88: change()
        case ..<94: read()
        case ..<97: mark()
        default: evict()
        }
        #expect(index.count == model.count)
        largest = max(largest, model.count)
        if model.isEmpty, !wasEmpty { emptied += 1 }
    }

    private mutating func insert() {
        // Few prefixes, so that many entries share one.
        let address = address(.random(in: 0..<600, using: &random), .random(in: 0..<20, using: &random))
        let entry = random.entry(address)
        if model.updateValue(entry, forKey: address) == nil { known.append(address) }
        index.insert(entry)
        #expect(index.entry(address) == entry)
    }

    /// The address of an entry, or of none.
    private mutating func anyAddress() -> BlobAddress {
        known.randomElement(using: &random) ?? address(.random(in: 0...UInt64.max >> 16, using: &random))
    }

    private mutating func remove() {
        guard !known.isEmpty else { return }
        known.swapAt(.random(in: known.indices, using: &random), known.count - 1)
        let address = known.removeLast()
        #expect(index.remove(address) == model.removeValue(forKey: address))
        #expect(index.entry(address) == nil)
    }

    private mutating func change() {
        let address = anyAddress()
        let entry = random.entry(address)
        #expect(index.change(address) { $0 = entry } == (model[address] != nil))
        if model[address] != nil { model[address] = entry }
        #expect(index.entry(address) == model[address])
    }

    private mutating func read() {
        let address = anyAddress()
        let now = time(.random(in: 0..<1_000_000, using: &random))
        index.noteRead(address, at: now)
        if let before = model[address] {
            model[address]?.reads = min(before.reads + 1, 65_535)
            model[address]?.lastRead = max(before.lastRead, now)
        }
        #expect(index.entry(address) == model[address])
    }

    private mutating func mark() {
        let prefix = CacheIndex.prefix(of: anyAddress())
        let concerned = model.keys.filter { CacheIndex.prefix(of: $0) == prefix }
        #expect(Set(index.addresses(withPrefix: prefix)) == Set(concerned))
        #expect(index.markAll(withPrefix: prefix, at: time(5)) == concerned.count)
        for address in concerned where model[address]?.isMarked == false { model[address]?.marked = time(5) }
        #expect(index.markedCount == model.values.count(where: \.isMarked))
    }

    private mutating func evict() {
        guard let victim = index.victim(at: time(0)) else { return #expect(model.isEmpty) }
        #expect(model[victim] != nil)
        #expect(model[victim]?.isMarked == true || index.markedCount == 0)
        #expect(index.remove(victim) == model.removeValue(forKey: victim))
    }
}

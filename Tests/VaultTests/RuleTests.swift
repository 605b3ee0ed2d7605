import Blobs
import Files
import Store
import StoreParts
import StoreRules
import StoreTestSupport
import Synchronization
import Testing

@testable import Vault

/// The small rules and tools of the store, each by itself.
@Suite struct RuleTests {
    /// How much fits on a disk: bytes wanted, free, promised to others, kept free.
    @Test(arguments: [
        (100, 100, 0, 0, true), (101, 100, 0, 0, false), (50, 100, 50, 0, true), (51, 100, 50, 0, false),
        (40, 100, 50, 10, true), (41, 100, 50, 10, false), (0, 100, 100, 0, false), (1, 100, .max, .max, false),
        (Int64.max, Int64.max, 0, 0, true),
    ])
    func `a promise is made only for bytes that are there`(
        bytes: Int64, free: Int64, promised: Int64, kept: Int64, fits: Bool
    ) {
        #expect(DiskReservations.fits(bytes, free: free, promised: promised, kept: kept) == fits)
    }

    private static func table(freeBytes: Int64 = 40 << 20, perSubject: Int = 10) -> UploadTable {
        let disk = DiskReservations(keepFreeBytes: 0) { freeBytes }
        return UploadTable(requests: 2, kept: 2, limitPerSubject: perSubject, disk: disk)
    }

    @Test func `an upload of unknown length takes room in steps, is charged for them, and gives all of it back`() throws
    {
        let table = Self.table(freeBytes: 2 << 20)
        let judge = { (size: Int64, others: Int64) throws(StoreError) in
            if size > 1 << 20 { throw StoreError.tooLarge(limitBytes: 1 << 20) }
        }
        do {
            let (slot, _, _) = try UploadSlot.enter(announcing(nil), in: table)
            #expect(table.disk.promisedBytes == 0 && table.share(of: "somebody").bytes == 0)
            try slot.prepare(for: 100, judge: judge)
            #expect(table.disk.promisedBytes == 256 << 10 && table.share(of: "somebody").bytes == 256 << 10)
            slot.wrote(100)
            try slot.prepare(for: 100, judge: judge)
            #expect(table.disk.promisedBytes == 256 << 10 - 100 && table.share(of: "somebody").bytes == 256 << 10)
            try slot.prepare(for: 600 << 10, judge: judge)
            slot.wrote(600 << 10)
            #expect(table.share(of: "somebody").bytes == 600 << 10 + 100 && table.disk.promisedBytes == 0)
            // There is no room for as many again, but for these.
            try slot.prepare(for: 400 << 10, judge: judge)
            #expect(table.disk.promisedBytes == 400 << 10)
            #expect(throws: StoreError.tooLarge(limitBytes: 1 << 20)) { try slot.prepare(for: 500 << 10, judge: judge) }
            #expect(throws: StoreError.diskFull) { try slot.prepare(for: 3 << 20) { _, _ in } }
            #expect(table.disk.promisedBytes == 400 << 10 && table.share(of: "somebody").bytes == 1000 << 10 + 100)
            slot.rest(at: 100, length: nil)
            #expect(table.disk.promisedBytes == 0 && table.share(of: "somebody").bytes == 4096)
        }
        #expect(table.share(of: "somebody") == UploadTable.Share())
    }

    @Test(
        arguments: [
            (0, 256 << 10), (256 << 10, 256 << 10), (5 << 20, 5 << 20), (17 << 20, 16 << 20), (.max, 16 << 20),
        ] as [(Int64, Int64)])
    func `a step is as much again as is there`(written: Int64, step: Int64) {
        #expect(DiskReservations.step(after: written) == step)
    }

    @Test func `a slot gives back what it takes up, once`() throws {
        let table = Self.table(perSubject: 1)
        let terms = LeaseTerms(subject: "ann")
        let ann = UploadAnnouncement(size: 10 << 20, address: nil, terms: terms)
        let (slot, request, _) = try UploadSlot.enter(ann, in: table)
        try slot.reserveDisk(10 << 20)
        #expect(throws: StoreError.noPlaceOfSubject) { _ = try UploadSlot.enter(ann, in: table) }
        #expect(table.share(of: "ann") == UploadTable.Share(uploads: 1, bytes: 10 << 20, judged: 10 << 20))
        #expect(slot.bytesOfOthers == 0)
        slot.rest(at: 5 << 20, length: 10 << 20)
        #expect(table.disk.promisedBytes == 5 << 20)
        #expect(slot.tell(6 << 20) == 0 && table.share(of: "ann").bytes == 6 << 20)
        slot.settle()
        #expect(table.share(of: "ann") == UploadTable.Share(uploads: 1, bytes: 6 << 20, judged: 0))
        slot.giveBack()
        slot.giveBack()
        try slot.reserveDisk(1 << 20)
        slot.rest(at: 0, length: 1 << 20)
        #expect(table.disk.promisedBytes == 0 && table.share(of: "ann") == UploadTable.Share())
        table.leave(request)
        table.leave(request)
    }

    @Test func `what a small upload brings counts against nobody before its end`() throws {
        let table = Self.table()
        let (small, _, _) = try UploadSlot.enter(announcing(9000), isSmall: true, in: table)
        let (large, _, before) = try UploadSlot.enter(announcing(5000), in: table)
        #expect(before.bytes == 9000, "it may come first all the same")
        #expect(small.bytesOfOthers == 5000 && large.bytesOfOthers == 0)
    }

    @Test(arguments: [(0, nil, false), (1, nil, true), (5, 5, false), (4, 5, true), (9, 10, true), (10, 9, false)])
    func `a catalog is an old one when fewer commits are in it than were noted`(
        commits: Int64, noted: Int64?, isRestored: Bool
    ) {
        #expect(CatalogAge.isRestored(commits: commits, noted: noted) == isRestored)
    }

    @Test func `a lock goes to whoever waited longest, and other keys are not held up`() async {
        let locks = KeyedLocks<Int>()
        let order = Order()
        #expect(locks.tryAcquire(1))
        #expect(!locks.tryAcquire(1))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    await locks.withLock(1) {
                        await order.enter()
                        await Task.yield()
                        await order.leave(number)
                    }
                }
            }
            await locks.withLock(2) {}
            locks.release(1)
        }
        #expect(await order.left.count == 20)
        #expect(await !order.wasCrowded)
        #expect(locks.tryAcquire(1))
    }

    @Test func `what waits for a lock is called by whoever releases it, first come first served`() {
        let locks = KeyedLocks<Int>()
        let called = Mutex<[Int]>([])
        #expect(locks.tryAcquire(1))
        for number in 0..<3 { locks.acquire(1) { called.withLock { $0.append(number) } } }
        locks.acquire(2) { called.withLock { $0.append(9) } }
        #expect(called.withLock { $0 } == [9])
        for count in 1...3 {
            locks.release(1)
            #expect(called.withLock { $0 } == [9] + Array(0..<count))
        }
        locks.release(1)
        #expect(locks.tryAcquire(1))
    }

    @Test func `what the machine's clocks say goes forward and names one boot`() {
        let (first, second) = (SystemClock(), SystemClock())
        #expect(first.boot == second.boot && first.boot != "unknown")
        #expect(second.monotonicSeconds >= first.monotonicSeconds)
        #expect(first.wall > Timestamp(seconds: 1_700_000_000))
    }
}

private actor Order {
    private(set) var left: [Int] = []
    private(set) var wasCrowded = false
    private var isInside = false

    func enter() {
        wasCrowded = wasCrowded || isInside
        isInside = true
    }

    func leave(_ number: Int) {
        isInside = false
        left.append(number)
    }
}

import Blobs
import Files
import Store
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

    @Test func `an upload of unknown length takes room in steps and gives all of it back`() throws {
        let disk = DiskReservations(keepFreeBytes: 0) { 40 << 20 }
        let table = UploadTable(limit: 1, limitPerSubject: 1, disk: disk)
        do {
            let slot = try UploadSlot("somebody", size: nil, in: table)
            try slot.reserveDisk(nil)
            #expect(disk.promisedBytes == 16 << 20)
            try slot.prepareDisk(for: 17 << 20)
            #expect(disk.promisedBytes == 32 << 20)
            slot.wrote(17 << 20)
            #expect(disk.promisedBytes == 15 << 20)
            #expect(throws: StoreError.diskFull) { try disk.reserve(26 << 20) }
        }
        #expect(disk.promisedBytes == 0)
    }

    @Test func `a slot gives back what it takes up, once`() throws {
        let disk = DiskReservations(keepFreeBytes: 0) { 40 << 20 }
        let table = UploadTable(limit: 2, limitPerSubject: 1, disk: disk)
        let slot = try UploadSlot("ann", size: 10 << 20, in: table)
        try slot.reserveDisk(10 << 20)
        #expect(throws: StoreError.busy(limit: "uploads open of this subject", retryAfterSeconds: 5)) {
            _ = try UploadSlot("ann", size: 1, in: table)
        }
        #expect(table.share(of: "ann") == UploadTable.Share(uploads: 1, bytes: 10 << 20))
        slot.expectDisk(5 << 20)
        #expect(disk.promisedBytes == 5 << 20)
        #expect(slot.resize(to: 6 << 20) == 0 && table.share(of: "ann").bytes == 6 << 20)
        slot.giveBack()
        slot.giveBack()
        try slot.reserveDisk(1 << 20)
        slot.expectDisk(1 << 20)
        #expect(disk.promisedBytes == 0 && table.share(of: "ann") == UploadTable.Share())
    }

    @Test(arguments: [(0, nil, false), (1, nil, true), (5, 5, false), (4, 5, true), (9, 10, true), (10, 9, false)])
    func `a catalogue is an old one when fewer commits are in it than were noted`(
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

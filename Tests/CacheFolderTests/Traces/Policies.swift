import Blobs
import CacheFolder

/// What of a trace a cache had.
struct HitRatios: CustomStringConvertible {
    private(set) var hits = 0
    private(set) var hitBytes: Int64 = 0
    private let trace: Trace

    init(_ trace: Trace) { self.trace = trace }

    mutating func note(_ event: Trace.Event) {
        hits += 1
        hitBytes += trace.sizes[event.blob]
    }

    var ofReads: Double { Double(hits) / Double(trace.reads) }
    var ofBytes: Double { Double(hitBytes) / Double(trace.readBytes) }

    private static func rounded(_ ratio: Double) -> String { "0." + "\(1000 + Int(ratio * 1000))".dropFirst() }

    var description: String { "object \(Self.rounded(ofReads)), byte \(Self.rounded(ofBytes))" }
}

extension Trace {
    /// A cache with the index under test. None keeps a blob of more than a quarter of its capacity.
    func sampledEviction(capacity: Int64) -> HitRatios {
        let addresses = sizes.indices.map { address(UInt64($0)) }
        var ratios = HitRatios(self)
        var index = CacheIndex(seed: 1)
        for event in events {
            let (now, address) = (time(event.time), addresses[event.blob])
            if event.isUpload ? index.entry(address) != nil : index.noteRead(address, at: now) {
                if !event.isUpload { ratios.note(event) }
                continue
            }
            let size = sizes[event.blob]
            if size > capacity / 4 { continue }
            while index.bytes + size > capacity, let victim = index.victim(at: now) { index.remove(victim) }
            index.insert(
                entry(address, size: size, arrived: event.time, reads: event.isUpload ? 0 : 1, sunset: .max >> 1))
        }
        return ratios
    }

    /// A cache that removes what was not read for longest.
    func leastRecentlyUsed(capacity: Int64) -> HitRatios {
        var ratios = HitRatios(self)
        var bytes: Int64 = 0
        // The number of the last event of each blob that is held, and all events in order.
        var lastUse = [Int?](repeating: nil, count: sizes.count)
        var oldest = 0
        for (number, event) in events.enumerated() {
            let isHeld = lastUse[event.blob] != nil
            if isHeld {
                if event.isUpload { continue }
                ratios.note(event)
            } else {
                if sizes[event.blob] > capacity / 4 { continue }
                bytes += sizes[event.blob]
            }
            lastUse[event.blob] = number
            while bytes > capacity {
                let blob = events[oldest].blob
                if lastUse[blob] == oldest {
                    lastUse[blob] = nil
                    bytes -= sizes[blob]
                }
                oldest += 1
            }
        }
        return ratios
    }

    /// What no cache for `capacity` blobs can exceed (Belady, “A study of replacement algorithms for a virtual-storage
    /// computer”, IBM Systems Journal 5, 1966): it removes what will not be read for longest, which may be the newest.
    func optimum(capacity: Int) -> HitRatios {
        var ratios = HitRatios(self)
        let nextReads = nextReads
        // The next reads of the blobs that are held; after the end come those that are not read again.
        var held: [Int] = []
        var isHeld = [Bool](repeating: false, count: sizes.count)
        for (number, event) in events.enumerated() {
            if isHeld[event.blob] {
                if event.isUpload { continue }
                ratios.note(event)
                if let place = held.firstIndex(of: number) { held.remove(at: place) }
            }
            isHeld[event.blob] = false
            guard let next = nextReads[number] else { continue }
            isHeld[event.blob] = true
            held.insert(next, at: held.partition(above: next))
            if held.count > capacity { isHeld[events[held.removeFirst()].blob] = false }
        }
        return ratios
    }

    /// For each event, that of the next read of the same blob.
    private var nextReads: [Int?] {
        var next = [Int?](repeating: nil, count: events.count)
        var following = [Int?](repeating: nil, count: sizes.count)
        for (number, event) in events.enumerated().reversed() {
            next[number] = following[event.blob]
            if !event.isUpload { following[event.blob] = number }
        }
        return next
    }
}

extension [Int] {
    /// Where a number belongs in an array whose numbers fall.
    fileprivate func partition(above number: Int) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] > number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

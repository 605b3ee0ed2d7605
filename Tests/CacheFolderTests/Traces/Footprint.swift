import TestSupport

/// How often blobs are read, and after how many other bytes again.
///
/// The figures are quantiles, taken coarsely, of two of the footprint descriptors that Akamai's traffic gave and JEDI
/// publishes (Sabnis and Sitaraman, “JEDI: Model-driven Trace Generation for Cache Simulations”, IMC 2022, and
/// “TRAGEN”, IMC 2021). The way to make a trace of them is theirs, too.
struct Footprint {
    /// Blobs that are read about equally often.
    struct Popularity {
        /// Their share of all blobs.
        let share: Double
        let reads: ClosedRange<Int>
        /// Sizes, each as frequent as any other.
        let kilobytes: [Int64]
        /// Megabytes of different blobs that are asked for between two reads of one blob, each as frequent as any
        /// other; 0 stands for less than 200.
        let megabytesBetween: [Int]
    }

    let popularities: [Popularity]
    /// One of so many blobs is in the trace; what lies between two reads shrinks with it.
    let sampling: Double

    /// Media of a social network, 2015 (descriptor EU-3).
    static let socialMedia = Footprint(
        popularities: [
            Popularity(
                share: 0.6407, reads: 1...1, kilobytes: [20, 20, 20, 30, 170, 500, 600, 1000, 1000, 3000],
                megabytesBetween: [0]),
            Popularity(
                share: 0.2174, reads: 2...3, kilobytes: [20, 20, 20, 20, 30, 500, 600, 900, 1000, 2000],
                megabytesBetween: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200]),
            Popularity(
                share: 0.1105, reads: 4...6, kilobytes: [20, 20, 20, 30, 30, 600, 700, 1000, 1000, 2000],
                megabytesBetween: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200]),
            Popularity(
                share: 0.0253, reads: 8...12, kilobytes: [20, 20, 20, 30, 30, 400, 900, 1000, 1000, 3000],
                megabytesBetween: [0]),
            Popularity(
                share: 0.0055, reads: 16...38, kilobytes: [20, 20, 20, 30, 30, 800, 900, 1000, 1000, 4000],
                megabytesBetween: [0]),
            Popularity(
                share: 0.0006, reads: 64...142, kilobytes: [20, 20, 20, 20, 30, 30, 800, 900, 1000, 1000],
                megabytesBetween: [0]),
        ],
        sampling: 1)

    /// Downloads, 2025 (descriptor D-1). Of blobs that are read more than 2,048 times there is none: every cache holds
    /// them.
    static let downloads = Footprint(
        popularities: [
            Popularity(share: 0.1848, reads: 1...1, kilobytes: [1000], megabytesBetween: [0]),
            Popularity(
                share: 0.2656, reads: 2...3, kilobytes: [1000],
                megabytesBetween: [0, 0, 0, 0, 0, 0, 0, 200, 55_400, 280_000, 420_000, 560_000]),
            Popularity(
                share: 0.1946, reads: 4...6, kilobytes: [1000],
                megabytesBetween: [0, 0, 0, 0, 0, 600, 87_200, 180_000, 280_000, 360_000, 440_000, 540_000]),
            Popularity(
                share: 0.1578, reads: 8...13, kilobytes: [1000],
                megabytesBetween: [0, 0, 0, 0, 800, 51_800, 100_000, 160_000, 220_000, 280_000, 340_000, 440_000]),
            Popularity(
                share: 0.1707, reads: 16...41, kilobytes: [1000],
                megabytesBetween: [
                    0, 0, 0, 1000, 20_800, 44_400, 68_400, 94_400, 120_000, 160_000, 200_000, 300_000,
                ]),
            Popularity(
                share: 0.0204, reads: 64...180, kilobytes: [1000],
                megabytesBetween: [
                    0, 0, 1200, 6000, 12_000, 18_600, 26_200, 34_800, 45_400, 59_000, 79_600, 120_000,
                ]),
            Popularity(
                share: 0.006, reads: 256...675, kilobytes: [1000],
                megabytesBetween: [0, 0, 400, 1200, 2600, 5200, 7200, 10_200, 13_800, 19_000, 26_800, 44_800]),
        ],
        sampling: 500)

    // MARK: Traces

    /// A trace of `count` reads at 100 a second.
    func trace(reads count: Int, seed: UInt64) -> Trace {
        var queue = ReadQueue(self, seed: seed)
        // The first ones are of blobs that are all new.
        for _ in 0..<count / 2 { _ = queue.next() }
        let events = (0..<count).map { Trace.Event(time: Int64($0 / 100), blob: queue.next(), isUpload: false) }
        return Trace(events: events, sizes: queue.sizes)
    }
}

/// The reads to come. The blob at the front is read, and goes back in behind as many bytes of others as lie between
/// two of its reads; one that was read often enough goes, and new ones come in at the end.
private struct ReadQueue {
    private let footprint: Footprint
    private var random: SeededGenerator
    /// The last is the next to be read.
    private var waiting: [Int] = []
    private var waitingBytes: Int64 = 0
    private let longestBytes: Int64
    private(set) var sizes: [Int64] = []
    private var readsLeft: [Int] = []
    private var popularity: [Int] = []

    init(_ footprint: Footprint, seed: UInt64) {
        self.footprint = footprint
        random = SeededGenerator(seed: seed)
        let longest = footprint.popularities.flatMap(\.megabytesBetween).max() ?? 0
        longestBytes = Int64(Double(longest + 200) * 1_000_000 / footprint.sampling)
        refill()
    }

    mutating func next() -> Int {
        let blob = waiting.removeLast()
        waitingBytes -= sizes[blob]
        readsLeft[blob] -= 1
        if readsLeft[blob] > 0 { putBack(blob) }
        refill()
        return blob
    }

    private mutating func putBack(_ blob: Int) {
        let choices = footprint.popularities[popularity[blob]].megabytesBetween
        let megabytes =
            Double(choices[.random(in: choices.indices, using: &random)]) + .random(in: 0..<200, using: &random)
        var left = Int64(megabytes * 1_000_000 / footprint.sampling)
        var place = waiting.count
        while place > 0, left >= sizes[waiting[place - 1]] {
            place -= 1
            left -= sizes[waiting[place]]
        }
        waiting.insert(blob, at: place)
        waitingBytes += sizes[blob]
    }

    private mutating func refill() {
        while waitingBytes < longestBytes || waiting.isEmpty {
            let kind = randomPopularity()
            let choices = footprint.popularities[kind]
            popularity.append(kind)
            readsLeft.append(.random(in: choices.reads, using: &random))
            sizes.append(choices.kilobytes[.random(in: choices.kilobytes.indices, using: &random)] * 1000)
            waiting.insert(sizes.count - 1, at: 0)
            waitingBytes += sizes[sizes.count - 1]
        }
    }

    private mutating func randomPopularity() -> Int {
        var rest = Double.random(in: 0..<1, using: &random)
        for (kind, popularity) in footprint.popularities.enumerated() {
            rest -= popularity.share
            if rest < 0 { return kind }
        }
        return 0
    }
}

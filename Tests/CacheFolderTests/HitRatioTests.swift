import Testing

@Suite struct HitRatioTests {
    /// A trace, and how large the cache is.
    struct Play: CustomTestStringConvertible {
        let testDescription: String
        let trace: Trace
        /// Of the bytes of all blobs.
        let share: Double

        init(_ what: String, share: Double, _ trace: Trace) {
            testDescription = what
            self.share = share
            self.trace = trace
        }
    }

    private static let pairs = Messaging.pairs.trace(seed: 1)

    static let plays = [
        Play("social media", share: 0.02, Footprint.socialMedia.trace(reads: 20_000, seed: 1)),
        Play("downloads", share: 0.035, Footprint.downloads.trace(reads: 20_000, seed: 1)),
        Play("pairs", share: 0.03, pairs.withoutUploads),
        Play("pairs, uploads kept", share: 0.03, pairs),
        Play("groups, uploads kept", share: 0.03, Messaging.groups.trace(seed: 1)),
    ]

    @Test(arguments: plays)
    func `sampled eviction has more objects than LRU, and at most a hundredth fewer bytes`(play: Play) {
        let capacity = Int64(Double(play.trace.uniqueBytes) * play.share)
        let sampled = play.trace.sampledEviction(capacity: capacity)
        let recent = play.trace.leastRecentlyUsed(capacity: capacity)
        #expect(sampled.ofReads >= recent.ofReads, "sampled: \(sampled); LRU: \(recent)")
        #expect(sampled.ofBytes >= recent.ofBytes - 0.01, "sampled: \(sampled); LRU: \(recent)")
    }

    @Test(arguments: plays)
    func `no cache beats the optimum for blobs of one size`(play: Play) {
        let trace = play.trace.ofEqualSizes
        let capacity = Int64(Double(trace.uniqueBytes) * play.share)
        let sampled = trace.sampledEviction(capacity: capacity)
        let recent = trace.leastRecentlyUsed(capacity: capacity)
        let optimum = trace.optimum(capacity: Int(capacity))
        #expect(recent.hits < sampled.hits, "sampled: \(sampled); LRU: \(recent); optimum: \(optimum)")
        #expect(sampled.hits < optimum.hits, "sampled: \(sampled); LRU: \(recent); optimum: \(optimum)")
    }
}

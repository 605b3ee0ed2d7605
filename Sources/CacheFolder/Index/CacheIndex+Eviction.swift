package import Blobs

/// Which entry goes next.
extension CacheIndex {
    /// How many entries one choice looks at.
    static let sampleLength = 32
    /// How long an entry that is marked may stay without being read.
    package static let markedSeconds: Int64 = 15 * 60

    /// The blob to remove if room is needed; nil if there is none. Marked entries go first, then those that have ended.
    ///
    /// Marked ones lie at the front of the list. Of those that have ended, a choice finds what is among the 32 entries
    /// that it draws: any, soon, where there are many. `due` finds the others. Of all other entries the one goes that
    /// is least likely to be read for the room that it takes.
    package mutating func victim(at now: Timestamp) -> BlobAddress? {
        guard count > 0 else { return nil }
        let seconds = PackedEntry.seconds(now)
        let candidates = markedCount > 0 ? markedCount : count
        // All are looked at where they are few.
        let isSample = candidates > Self.sampleLength
        var (worst, highest) = (0, -Double.infinity)
        for index in 0..<min(candidates, Self.sampleLength) {
            let position = isSample ? randomPosition(below: candidates) : index
            let entry = entries[position]
            let dispensability = entry.hasEnded(at: seconds) ? .infinity : entry.dispensability(at: seconds)
            if dispensability > highest { (worst, highest) = (position, dispensability) }
        }
        return entries[worst].words.address
    }

    /// Blobs that should not stay even if there is room: they have ended, or were marked 15 minutes ago and not read
    /// since. Looks at the next `limit` entries; called often enough, it sees each in turn.
    package mutating func due(at now: Timestamp, examining limit: Int) -> [BlobAddress] {
        let seconds = PackedEntry.seconds(now)
        var found: [BlobAddress] = []
        for _ in 0..<min(limit, count) {
            if hand >= count { hand = 0 }
            let entry = entries[hand]
            if entry.hasEnded(at: seconds) || entry.isForgotten(at: now) { found.append(entry.words.address) }
            hand += 1
        }
        return found
    }

    /// The next blobs that are larger than `size`, together no more than `bytes`, and whether no more were found among the
    /// next `limit` entries although there is room for them. Called often enough, it sees each in turn.
    package mutating func large(over size: Int64, upTo bytes: Int64, examining limit: Int) -> (
        found: [CacheEntry], isThrough: Bool
    ) {
        var found: [CacheEntry] = []
        var rest = bytes
        for _ in 0..<min(limit, count) {
            if largeHand >= count { largeHand = 0 }
            let entry = entries[largeHand]
            if entry.size > size {
                guard entry.size <= rest else { return (found, false) }
                rest -= entry.size
                found.append(entry.entry)
            }
            largeHand += 1
        }
        return (found, true)
    }

    /// Random numbers by SplitMix64 (Steele, Lea and Flood): nothing secret depends on them.
    private mutating func randomPosition(below count: Int) -> Int {
        seed &+= 0x9e37_79b9_7f4a_7c15
        var mixed = seed
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        mixed ^= mixed >> 31
        return Int(truncatingIfNeeded: UInt64(count).multipliedFullWidth(by: mixed).high)
    }
}

extension PackedEntry {
    /// The fourth power of √(age × idle) × size^¼ ÷ reads, which has the same order and needs no roots. One read is
    /// added to all, since a blob that was kept as it was uploaded has none.
    fileprivate func dispensability(at now: UInt32) -> Double {
        let age = Double(now - min(arrived, now)) + 1
        let idle = Double(now - min(lastRead, now)) + 1
        let reads = Double(reads) + 1
        return age * age * idle * idle * Double(max(size, 1)) / (reads * reads * reads * reads)
    }

    /// Whether it was marked long ago, and not read since.
    fileprivate func isForgotten(at now: Timestamp) -> Bool {
        isMarked && Int64(PackedEntry.seconds(now)) - Int64(max(marked, lastRead)) >= CacheIndex.markedSeconds
    }
}

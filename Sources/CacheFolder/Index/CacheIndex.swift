package import Blobs

/// What a cache holds: an entry for each blob, found by its address or by a prefix of it. About 75 bytes a blob.
///
/// It is a value, and not safe to change from two threads: its owner holds a lock. Nothing but `forEach` takes longer
/// for more entries, except that an insertion which doubles the table, and a removal which halves it, take
/// some 50 ms for a million. An `IndexSnapshot` shares the entries: made under the lock, it is written without it.
package struct CacheIndex: Sendable {
    /// The entries in no order, but for one rule: those that are marked come first. So there is no need to look for
    /// them, nor to keep a list of them.
    private(set) var entries = EntryPages()
    private var table = PositionTable()
    /// How many entries are marked.
    package private(set) var markedCount = 0
    /// The sum of the sizes of all blobs.
    package private(set) var bytes: Int64 = 0
    /// What the next random number follows from.
    var seed: UInt64
    /// Where `due` goes on.
    var hand = 0
    /// Where `large` goes on.
    var largeHand = 0

    /// An empty index. All its choices follow from `seed`.
    package init(seed: UInt64 = .random(in: 0 ... .max)) { self.seed = seed }

    /// An index of the entries of a snapshot, or the reason why they are not those of an index.
    init(_ entries: EntryPages, seed: UInt64) throws(IndexSnapshotError.Reason) {
        self.seed = seed
        self.entries = entries
        for position in 0..<entries.count {
            let (sum, overflow) = bytes.addingReportingOverflow(entries[position].size)
            if overflow { throw .sum }
            bytes = sum
            if entries[position].isMarked {
                guard markedCount == position else { throw .entry(position) }
                markedCount += 1
            }
        }
        if let position = table.fill(from: entries) { throw .doubled(entries[position].words.address) }
    }

    /// How many blobs there are.
    package var count: Int { entries.count }

    /// Bytes of memory that the index holds.
    package var allocatedBytes: Int { entries.allocatedBytes + table.allocatedBytes }

    // MARK: Looking up

    /// The first 48 bits of an address: what `markAll` and `addresses` go by.
    package static func prefix(of address: BlobAddress) -> UInt64 {
        PackedEntry.Words(address).prefix
    }

    /// What is known of a blob; nil if it is not here.
    package func entry(_ address: BlobAddress) -> CacheEntry? {
        position(PackedEntry.Words(address)).map { entries[$0].entry }
    }

    /// The blobs whose addresses begin with these 48 bits.
    package func addresses(withPrefix prefix: UInt64) -> [BlobAddress] {
        var found: [BlobAddress] = []
        _ = table.first(prefix) { position in
            if entries[position].words.prefix == prefix { found.append(entries[position].words.address) }
            return false
        }
        return found
    }

    /// Passes every entry to `body`, in no order.
    package func forEach<Failure>(_ body: (CacheEntry) throws(Failure) -> Void) throws(Failure) {
        for position in 0..<count { try body(entries[position].entry) }
    }

    private func position(_ words: PackedEntry.Words) -> Int? {
        table.first(words.prefix) { entries[$0].words == words }
    }

    // MARK: Changing

    /// Adds an entry, in the place of the one for the same blob if there is one.
    package mutating func insert(_ entry: CacheEntry) {
        let packed = PackedEntry(entry)
        if let position = position(packed.words) { replace(position, packed) } else { append(packed) }
    }

    /// Changes the entry of a blob; false if there is none.
    @discardableResult
    package mutating func change(_ address: BlobAddress, _ body: (inout CacheEntry) -> Void) -> Bool {
        guard let position = position(PackedEntry.Words(address)) else { return false }
        var entry = entries[position].entry
        body(&entry)
        precondition(entry.address == address, "an entry keeps its address")
        replace(position, PackedEntry(entry))
        return true
    }

    /// Notes that a blob was read, the last time at `time`; false if it is not here.
    @discardableResult
    package mutating func noteRead(_ address: BlobAddress, times: Int = 1, at time: Timestamp) -> Bool {
        guard let position = position(PackedEntry.Words(address)) else { return false }
        let reads = Int(entries[position].reads).addingReportingOverflow(max(times, 0))
        entries[position].reads = UInt16(clamping: reads.overflow ? .max : reads.partialValue)
        entries[position].lastRead = max(entries[position].lastRead, PackedEntry.seconds(time))
        return true
    }

    /// Marks all entries whose addresses begin with these 48 bits; returns how many there are. One that is marked
    /// already stays so from the first time.
    @discardableResult
    package mutating func markAll(withPrefix prefix: UInt64, at time: Timestamp) -> Int {
        let concerned = addresses(withPrefix: prefix)
        for address in concerned { change(address) { $0.marked = $0.marked ?? time } }
        return concerned.count
    }

    /// Has every blob hashed before its next use.
    package mutating func distrustAll() {
        for position in 0..<count { entries[position].flags.insert(.unverified) }
    }

    /// Removes the entry of a blob, and returns what it was.
    @discardableResult
    package mutating func remove(_ address: BlobAddress) -> CacheEntry? {
        guard var position = position(PackedEntry.Words(address)) else { return nil }
        let entry = entries[position]
        if entry.isMarked { position = moveBehindMarked(position) }
        swap(position, count - 1)
        table.removeLast(of: entries)
        entries.removeLast()
        bytes &-= entry.size
        return entry.entry
    }

    // MARK: Order

    // Sums of sizes wrap, since only sizes that no disk holds can make them: what was added is subtracted again.

    private mutating func append(_ entry: PackedEntry) {
        entries.append(entry)
        table.insertLast(of: entries)
        bytes &+= entry.size
        if entry.isMarked { moveToMarked(count - 1) }
    }

    private mutating func replace(_ position: Int, _ entry: PackedEntry) {
        let before = entries[position]
        bytes = bytes &- before.size &+ entry.size
        entries[position] = entry
        if entry.isMarked, !before.isMarked { moveToMarked(position) }
        if !entry.isMarked, before.isMarked { _ = moveBehindMarked(position) }
    }

    private mutating func moveToMarked(_ position: Int) {
        swap(position, markedCount)
        markedCount += 1
    }

    /// Returns where the entry is now.
    private mutating func moveBehindMarked(_ position: Int) -> Int {
        markedCount -= 1
        swap(position, markedCount)
        return markedCount
    }

    private mutating func swap(_ first: Int, _ second: Int) {
        guard first != second else { return }
        table.swap(first, second, in: entries)
        let entry = entries[first]
        entries[first] = entries[second]
        entries[second] = entry
    }
}

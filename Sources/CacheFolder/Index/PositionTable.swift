/// Where in a list the entries of a prefix are: an open-addressing table of 32-bit positions.
///
/// The slot where a search begins follows from the prefix alone, so one search finds all entries of a prefix. The hash
/// is seeded for each process (`Hasher`), so nobody can make blobs whose entries crowd one part of the table. A byte of
/// the hash is kept for each slot, so that a search looks at few entries that it does not want. There are no
/// tombstones: removing an entry closes the gap.
struct PositionTable: Sendable {
    private static let empty: UInt8 = 0
    private static let smallest = 16

    /// A power of two of them, at most three quarters in use.
    private var positions = [UInt32](repeating: 0, count: smallest)
    /// For each slot a byte of the hash that is never 0, or 0 if it is empty.
    private var tags = [UInt8](repeating: empty, count: smallest)
    private var mask: Int { tags.count - 1 }

    // MARK: Finding

    /// The first position for which `isWanted` of those that may be of `prefix`; nil if there is none. All positions of
    /// `prefix` are among them.
    func first(_ prefix: UInt64, where isWanted: (Int) -> Bool) -> Int? {
        let hash = hash(prefix)
        var slot = hash.slot
        while tags[slot] != Self.empty {
            if tags[slot] == hash.tag, isWanted(Int(positions[slot])) { return Int(positions[slot]) }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private func hash(_ prefix: UInt64) -> (slot: Int, tag: UInt8) {
        var hasher = Hasher()
        hasher.combine(prefix)
        let value = hasher.finalize()
        return (value & mask, max(1, UInt8(truncatingIfNeeded: value >> (Int.bitWidth - 8))))
    }

    /// The slot of an entry that is in the table.
    private func slot(of position: Int, in list: EntryPages) -> Int {
        var slot = hash(list[position].words.prefix).slot
        while tags[slot] == Self.empty || positions[slot] != UInt32(position) {
            precondition(tags[slot] != Self.empty, "every entry is in the table")
            slot = (slot + 1) & mask
        }
        return slot
    }

    // MARK: Changing

    /// Makes this the table of `list`. Returns the first entry whose address an entry before it has.
    mutating func fill(from list: EntryPages) -> Int? {
        var length = Self.smallest
        while list.count > length / 4 * 3 { length *= 2 }
        return rebuild(length, list, list.count)
    }

    /// Enters the last entry of the list.
    mutating func insertLast(of list: EntryPages) {
        precondition(list.count <= Int(UInt32.max), "an index holds less than four billion entries")
        if list.count > tags.count / 4 * 3 {
            rebuild(tags.count * 2, list, list.count)
        } else {
            _ = enter(list.count - 1, hash(list[list.count - 1].words.prefix)) { _ in false }
        }
    }

    /// Notes that two entries of the list are about to change places.
    mutating func swap(_ first: Int, _ second: Int, in list: EntryPages) {
        let (slot, other) = (slot(of: first, in: list), slot(of: second, in: list))
        positions[slot] = UInt32(second)
        positions[other] = UInt32(first)
    }

    /// Forgets the last entry of the list, which is about to be removed.
    mutating func removeLast(of list: EntryPages) {
        let rest = list.count - 1
        if tags.count > Self.smallest, rest < tags.count / 6 {
            rebuild(tags.count / 2, list, rest)
            return
        }
        var gap = slot(of: rest, in: list)
        var next = (gap + 1) & mask
        // Those that come after move up, unless they would come to lie before the slot where their search begins.
        while tags[next] != Self.empty {
            let wanted = hash(list[Int(positions[next])].words.prefix).slot
            if (next - wanted) & mask >= (next - gap) & mask {
                positions[gap] = positions[next]
                tags[gap] = tags[next]
                gap = next
            }
            next = (next + 1) & mask
        }
        tags[gap] = Self.empty
    }

    /// Enters the first `count` entries of the list into an empty table of `length` slots. Returns the first entry whose
    /// address an entry before it has.
    @discardableResult
    private mutating func rebuild(_ length: Int, _ list: EntryPages, _ count: Int) -> Int? {
        positions = [UInt32](repeating: 0, count: length)
        tags = [UInt8](repeating: Self.empty, count: length)
        // The hashes of a page first: then a processor waits for many places of the table at once.
        for (number, page) in list.pages.enumerated() {
            let hashes = page.map { hash($0.words.prefix) }
            for (offset, hash) in hashes.enumerated() {
                let position = number * EntryPages.pageLength + offset
                if position >= count { return nil }
                if !enter(position, hash, unless: { list[$0].words == page[offset].words }) { return position }
            }
        }
        return nil
    }

    /// Enters a position in the first empty slot; false if a position before it `isSame`.
    private mutating func enter(
        _ position: Int, _ hash: (slot: Int, tag: UInt8), unless isSame: (Int) -> Bool
    ) -> Bool {
        var slot = hash.slot
        while tags[slot] != Self.empty {
            if tags[slot] == hash.tag, isSame(Int(positions[slot])) { return false }
            slot = (slot + 1) & mask
        }
        positions[slot] = UInt32(position)
        tags[slot] = hash.tag
        return true
    }

    /// Bytes of memory that the table holds.
    var allocatedBytes: Int { positions.capacity * MemoryLayout<UInt32>.stride + tags.capacity }
}

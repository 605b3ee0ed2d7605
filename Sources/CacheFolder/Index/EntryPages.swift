/// A list of entries in pages of a fixed size.
///
/// A list of a million entries grows by one page at a time: one array would copy 64 MB, and hold them twice, whenever
/// it grows. Nor does anyone wait for a copy of the list, which a snapshot is made from: a page is only copied when it
/// first changes after that.
struct EntryPages: Sendable {
    /// Entries of one page: 64 KiB.
    static let pageLength = 1024

    private(set) var pages: [[PackedEntry]] = []
    private(set) var count = 0

    subscript(position: Int) -> PackedEntry {
        get { pages[position / Self.pageLength][position % Self.pageLength] }
        _modify { yield &pages[position / Self.pageLength][position % Self.pageLength] }
    }

    mutating func append(_ entry: PackedEntry) {
        if count == pages.count * Self.pageLength {
            var page: [PackedEntry] = []
            page.reserveCapacity(Self.pageLength)
            pages.append(page)
        }
        pages[count / Self.pageLength].append(entry)
        count += 1
    }

    mutating func removeLast() {
        count -= 1
        pages[count / Self.pageLength].removeLast()
        if pages[count / Self.pageLength].isEmpty { pages.removeLast() }
    }

    /// Bytes of memory that the list holds.
    var allocatedBytes: Int {
        pages.reduce(pages.capacity * MemoryLayout<[PackedEntry]>.stride) {
            $0 + $1.capacity * MemoryLayout<PackedEntry>.stride
        }
    }
}

import Blobs

/// The bytes of an index as it was at one moment, in pieces of at most 64 KiB:
///
///     bytes      what
///     8          "satchidx"
///     1          the version of this format, 1
///     1 + n      the boot id of the machine: its length, then UTF-8
///     1 + n      the position in the change feed: its length, 0 for none, then UTF-8
///     8          how many entries follow, the first byte on top
///     64 each    the entries (`PackedEntry`), each address once, marked ones first
///     32         the SHA-256 of all bytes before
///
/// It shares the memory of the entries with the index it was made of, except for those that have changed since.
package struct IndexSnapshot: Sequence, Sendable {
    static let magic = Array("satchidx".utf8)
    static let version: UInt8 = 1
    /// The longest text of a header.
    static let longestText = 255
    /// Bytes of the longest header.
    static let longestHeader = magic.count + 1 + 2 * (1 + longestText) + 8

    private let header: [UInt8]
    private let entries: EntryPages

    /// What is written down of `index`. Texts of more than 255 bytes are left out: without a boot id or a position,
    /// everything is checked again.
    package init(of index: CacheIndex, bootID: String, feedPosition: String?) {
        entries = index.entries
        header =
            Self.magic + [Self.version] + Self.text(bootID) + Self.text(feedPosition ?? "")
            + (0..<8).map { UInt8(truncatingIfNeeded: index.count >> (56 - 8 * $0)) }
    }

    private static func text(_ text: String) -> [UInt8] {
        let bytes = text.utf8.count > longestText ? [] : Array(text.utf8)
        return [UInt8(bytes.count)] + bytes
    }

    /// Bytes in all.
    package var byteCount: Int {
        header.count + entries.count * PackedEntry.byteCount + BlobAddress.byteCount
    }

    package func makeIterator() -> Pieces { Pieces(header: header, pages: entries.pages) }

    /// The header, a piece for each page of entries, the digest.
    package struct Pieces: IteratorProtocol {
        private var hasher = BlobHasher()
        private var header: [UInt8]?
        private var pages: ArraySlice<[PackedEntry]>
        private var isFinished = false

        fileprivate init(header: [UInt8], pages: [[PackedEntry]]) {
            self.header = header
            self.pages = pages[...]
        }

        package mutating func next() -> [UInt8]? {
            if let piece = header.take() ?? pages.popFirst().map(Self.bytes) {
                hasher.update(piece)
                return piece
            }
            if isFinished { return nil }
            isFinished = true
            return hasher.address().bytes
        }

        private static func bytes(of page: [PackedEntry]) -> [UInt8] {
            var piece = [UInt8](repeating: 0, count: page.count * PackedEntry.byteCount)
            var span = piece.mutableSpan
            // Safe: every pattern of bits is a byte.
            var bytes = unsafe span.mutableBytes
            for (index, entry) in page.enumerated() {
                var room = bytes._mutatingExtracting(
                    index * PackedEntry.byteCount..<(index + 1) * PackedEntry.byteCount)
                entry.write(to: &room)
            }
            return piece
        }
    }
}

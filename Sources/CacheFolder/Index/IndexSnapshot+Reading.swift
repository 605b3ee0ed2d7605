import Blobs
package import Files

/// An index as a snapshot tells it.
package struct RestoredIndex: Sendable {
    package var index: CacheIndex
    /// The boot id of the machine that wrote it; empty if that was not known.
    package let bootID: String
    /// The position in the change feed up to which it is true; nil if there was none.
    package let feedPosition: String?
}

extension IndexSnapshot {
    /// Reads a snapshot from a file that holds nothing else. What is no snapshot, whole and unchanged, is refused. The
    /// memory that this takes is bounded by the size of the file. All choices of the index follow from `seed`.
    package static func read(
        _ file: borrowing OpenFile, seed: UInt64 = .random(in: 0 ... .max)
    ) throws(IndexSnapshotError) -> RestoredIndex {
        var reader = SnapshotReader()
        do throws(IndexSnapshotError.Reason) {
            let header = try reader.header(of: file)
            let index = try CacheIndex(try reader.entries(of: file, header.count), seed: seed)
            return RestoredIndex(
                index: index, bootID: header.bootID,
                feedPosition: header.feedPosition.isEmpty ? nil : header.feedPosition)
        } catch {
            throw IndexSnapshotError(path: file.path, reason: error)
        }
    }
}

/// Reads the parts of a snapshot in order, and hashes them.
private struct SnapshotReader {
    private var offset = 0
    private var hasher = BlobHasher()

    // MARK: Header

    mutating func header(
        of file: borrowing OpenFile
    ) throws(IndexSnapshotError.Reason) -> (bootID: String, feedPosition: String, count: Int) {
        let size = try Self.size(of: file)
        var bytes = [UInt8](repeating: 0, count: IndexSnapshot.longestHeader)
        bytes.removeLast(bytes.count - (try Self.read(into: &bytes, file, at: 0)))
        var rest = bytes[...]
        guard Self.take(IndexSnapshot.magic.count, &rest)?.elementsEqual(IndexSnapshot.magic) == true else {
            throw .foreign
        }
        guard let version = rest.popFirst() else { throw .header }
        guard version == IndexSnapshot.version else { throw .version(version) }
        guard let bootID = Self.text(&rest), let feedPosition = Self.text(&rest), let digits = Self.take(8, &rest)
        else { throw .header }
        offset = rest.startIndex
        hasher.update(bytes, first: offset)
        let count = digits.reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        let body = size - Int64(offset) - Int64(BlobAddress.byteCount)
        guard body >= 0, body % Int64(PackedEntry.byteCount) == 0, body / Int64(PackedEntry.byteCount) == count,
            count <= UInt32.max
        else { throw .length(bytes: size, entries: count) }
        return (bootID, feedPosition, Int(count))
    }

    private static func text(_ rest: inout ArraySlice<UInt8>) -> String? {
        rest.popFirst().flatMap { take(Int($0), &rest) }.flatMap { String(validating: $0, as: UTF8.self) }
    }

    private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard rest.count >= count else { return nil }
        defer { rest.removeFirst(count) }
        return rest.prefix(count)
    }

    // MARK: Entries

    mutating func entries(
        of file: borrowing OpenFile, _ count: Int
    ) throws(IndexSnapshotError.Reason) -> EntryPages {
        var entries = EntryPages()
        var piece = [UInt8](repeating: 0, count: EntryPages.pageLength * PackedEntry.byteCount)
        while entries.count < count {
            let length = min(EntryPages.pageLength, count - entries.count)
            try fill(&piece, length * PackedEntry.byteCount, file)
            hasher.update(piece)
            for number in 0..<length {
                guard let entry = Self.entry(number, of: piece) else { throw .entry(entries.count) }
                entries.append(entry)
            }
        }
        try fill(&piece, BlobAddress.byteCount, file)
        guard piece == hasher.address().bytes else { throw .digest }
        return entries
    }

    private static func entry(_ number: Int, of piece: [UInt8]) -> PackedEntry? {
        let start = number * PackedEntry.byteCount
        // Safe: every pattern of bits is a byte.
        return unsafe PackedEntry(piece.span.bytes.extracting(start..<start + PackedEntry.byteCount))
    }

    // MARK: Bytes

    /// Makes `piece` the next `count` bytes.
    private mutating func fill(
        _ piece: inout [UInt8], _ count: Int, _ file: borrowing OpenFile
    ) throws(IndexSnapshotError.Reason) {
        if count < piece.count { piece.removeLast(piece.count - count) }
        let found = try Self.read(into: &piece, file, at: Int64(offset))
        // It was cut after its size was read.
        guard found == count else { throw .digest }
        offset += count
    }

    private static func read(
        into bytes: inout [UInt8], _ file: borrowing OpenFile, at offset: Int64
    ) throws(IndexSnapshotError.Reason) -> Int {
        do { return try file.read(into: &bytes, at: offset) } catch { throw .unreadable(error) }
    }

    private static func size(of file: borrowing OpenFile) throws(IndexSnapshotError.Reason) -> Int64 {
        do { return try file.size() } catch { throw .unreadable(error) }
    }
}

import Glibc

/// Reads a file from its disk, once, from front to end.
///
/// If the file system supports it, the reads bypass the page cache: they see the disk itself, and evict nothing that others
/// need. Otherwise pages that had to be read are dropped again.
package struct DiskReading: ~Copyable, Sendable {
    /// Bytes of one piece.
    package static let pieceBytes = 1 << 20
    /// The alignment of direct reads, in memory and in the file; no disk in use has larger blocks.
    static let alignment = 4096

    private let file: OpenFile
    private let isDirect: Bool
    /// One piece, with room to start at an aligned address.
    private var room = [UInt8](repeating: 0, count: pieceBytes + alignment)
    private var offset: Int64 = 0
    private var isAtEnd = false

    /// Opens the file at `path`, whose last part may not be a symbolic link.
    package init(_ path: String) throws(FileError) {
        if let direct = try Self.openDirect(path) {
            file = direct
            isDirect = true
        } else {
            file = try OpenFile(path, .read, followsLinks: false)
            isDirect = false
            file.readNothingAhead()
        }
    }

    private static func openDirect(_ path: String) throws(FileError) -> OpenFile? {
        do { return try OpenFile(path, .readDirect, followsLinks: false) } catch {
            if error.code == EINVAL { return nil }
            throw error
        }
    }

    /// Reads the next piece and passes it to `body`; returns its size, 0 at the end.
    package mutating func next(_ body: (RawSpan) -> Void) throws(FileError) -> Int {
        if isAtEnd { return 0 }
        // Taken out, so that it can be filled while another property is read.
        var room: [UInt8] = []
        swap(&room, &self.room)
        defer { self.room = room }
        var span = room.mutableSpan
        // Safe: every bit pattern is a byte.
        var bytes = unsafe span.mutableBytes
        let start = Self.alignedStart(&bytes)
        var piece = bytes._mutatingExtracting(start..<start + Self.pieceBytes)
        let count = isDirect ? try file.readSome(into: &piece) : try file.readPassing(into: &piece, at: offset)
        offset += Int64(count)
        // A direct read stops inside a block only at the end of the file, and cannot continue from there.
        isAtEnd = count % Self.alignment != 0 || count == 0
        if count > 0 { body(piece.bytes.extracting(first: count)) }
        return count
    }

    private static func alignedStart(_ bytes: inout MutableRawSpan) -> Int {
        // Safe: the address is inspected, not dereferenced.
        let address = unsafe bytes.withUnsafeMutableBytes { Int(bitPattern: $0.baseAddress) }
        return (alignment - address % alignment) % alignment
    }
}

extension OpenFile {
    /// Turns off readahead.
    fileprivate borrowing func readNothingAhead() {
        // Advice may be ignored.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
    }

    /// Reads at `offset` until `buffer` is full or the file ends, and leaves no more in the page cache than before; returns
    /// the number of bytes.
    fileprivate borrowing func readPassing(
        into buffer: inout MutableRawSpan, at offset: Int64
    ) throws(FileError) -> Int {
        let resident = readResident(into: &buffer, at: offset)
        if resident == buffer.byteCount { return resident }
        let count = try read(into: &buffer, at: offset)
        if resident < count { _ = posix_fadvise(descriptor, off_t(offset), off_t(count), POSIX_FADV_DONTNEED) }
        return count
    }
}

/// How much processor time a thread gets while others compete for it.
package enum ThreadPriority {
    /// Niceness of a thread whose work can wait: about a tenth of an ordinary thread's share.
    private static let yielding: Int32 = 10

    /// Lowers the priority of the calling thread. On Linux niceness belongs to a thread, and 0 means this one (sched(7)).
    /// Lowering needs no privilege, so a failure is ignored.
    package static func yieldToOthers() { _ = setpriority(.init(PRIO_PROCESS.rawValue), 0, yielding) }
}

import Glibc

/// A file as it lies on its disk, read once from front to end.
///
/// Where the file system can, its bytes come past the kernel's memory: what is seen is the disk itself, and nothing that
/// others will want soon is pushed out for it. Elsewhere what had to be fetched is let go again.
package struct DiskReading: ~Copyable, Sendable {
    /// Bytes of one piece.
    package static let pieceBytes = 1 << 20
    /// What the place in memory and in the file of a direct read must be a multiple of; no disk in use has larger blocks.
    static let alignment = 4096

    private let file: OpenFile
    private let isDirect: Bool
    /// A piece, and enough beside it to begin at an aligned place.
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

    /// Reads the next piece and lets `body` see it; tells how many bytes it had, 0 at the end.
    package mutating func next(_ body: (RawSpan) -> Void) throws(FileError) -> Int {
        if isAtEnd { return 0 }
        // Taken out meanwhile, so that it can be filled while the file beside it is read.
        var room: [UInt8] = []
        swap(&room, &self.room)
        defer { self.room = room }
        var span = room.mutableSpan
        // Safe: every pattern of bits is a byte.
        var bytes = unsafe span.mutableBytes
        let start = Self.alignedStart(&bytes)
        var piece = bytes._mutatingExtracting(start..<start + Self.pieceBytes)
        let count = isDirect ? try file.readSome(into: &piece) : try file.readPassing(into: &piece, at: offset)
        offset += Int64(count)
        // A direct read stops in the middle of a block only where the file ends, and must not go on from there.
        isAtEnd = count % Self.alignment != 0 || count == 0
        if count > 0 { body(piece.bytes.extracting(first: count)) }
        return count
    }

    private static func alignedStart(_ bytes: inout MutableRawSpan) -> Int {
        // Safe: the address is looked at and not followed.
        let address = unsafe bytes.withUnsafeMutableBytes { Int(bitPattern: $0.baseAddress) }
        return (alignment - address % alignment) % alignment
    }
}

extension OpenFile {
    /// Tells the kernel to read nothing beyond what is asked for.
    fileprivate borrowing func readNothingAhead() {
        // Advice that is not taken costs nothing.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
    }

    /// Reads at `offset` until `buffer` is full or the file ends, and leaves no more in the kernel's memory than there was;
    /// tells how many bytes came.
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

import CLinux
package import Glibc

/// An open file that this value alone owns; it is closed when the value goes.
///
/// Every call is tried again when a signal interrupts it. Reads and writes are whole: short counts are followed up.
package struct OpenFile: ~Copyable, Sendable {
    /// The descriptor, valid as long as this value lives.
    package let descriptor: Int32
    /// Where it was opened, for error texts.
    package let path: String

    /// Takes over a descriptor that nobody else closes.
    package init(owning descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { _ = close(descriptor) }

    /// How a file is opened.
    package enum Access: Sendable {
        /// For reading; it must exist.
        case read
        /// For reading from the disk past the kernel's memory (`O_DIRECT`), in aligned pieces; it must exist. A file system
        /// that cannot do this says EINVAL.
        case readDirect
        /// For reading and writing; it must exist.
        case update
        /// For reading and writing; it must not exist, and is made with these permissions (less the umask).
        case create(permissions: mode_t)
        /// For reading and writing; made with these permissions where it is missing.
        case openOrCreate(permissions: mode_t)
        /// For writing at the end, wherever that is by then; made with these permissions where it is missing.
        case append(permissions: mode_t)
    }

    /// Opens the file at `path`. The last part of the path may not be a symbolic link unless `followsLinks`.
    package init(_ path: String, _ access: Access, followsLinks: Bool = true) throws(FileError) {
        var flags = O_CLOEXEC | (followsLinks ? 0 : O_NOFOLLOW)
        var permissions: mode_t = 0
        switch access {
        case .read: flags |= O_RDONLY
        case .readDirect: flags |= O_RDONLY | clinux_direct_flag()
        case .update: flags |= O_RDWR
        case .create(let mode):
            flags |= O_RDWR | O_CREAT | O_EXCL
            permissions = mode
        case .openOrCreate(let mode):
            flags |= O_RDWR | O_CREAT
            permissions = mode
        case .append(let mode):
            flags |= O_WRONLY | O_CREAT | O_APPEND
            permissions = mode
        }
        descriptor = try retrying("open", path) { unsafe Glibc.open(path, flags, permissions) }
        self.path = path
    }

    /// A file for reading and writing inside `folder` that has no name and goes when it is closed (`O_TMPFILE`).
    package static func unnamed(in folder: String) throws(FileError) -> OpenFile {
        // __O_TMPFILE | O_DIRECTORY; the macro is too complex for the importer.
        let temporaryFile: Int32 = 0o20_000_000 | O_DIRECTORY
        let flags = temporaryFile | O_RDWR | O_CLOEXEC
        let descriptor = try retrying("open", folder) { unsafe Glibc.open(folder, flags, 0o600 as mode_t) }
        return OpenFile(owning: descriptor, path: "\(folder)/(unnamed)")
    }

    /// A second descriptor of the same open file.
    package borrowing func duplicate() throws(FileError) -> OpenFile {
        OpenFile(owning: try duplicateDescriptor(), path: path)
    }

    /// A second descriptor of the same open file, which the caller closes.
    package borrowing func duplicateDescriptor() throws(FileError) -> Int32 {
        let descriptor = self.descriptor
        return try retrying("dup", path) { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
    }

    // MARK: Bytes

    /// Reads from the current position until `buffer` is full or the file ends; tells how many bytes came.
    package borrowing func read(into buffer: inout MutableRawSpan) throws(FileError) -> Int {
        var filled = 0
        while filled < buffer.byteCount {
            var rest = buffer._mutatingExtracting(filled...)
            let count = try readSome(into: &rest)
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Reads what one call gives, at least one byte unless the file has ended: for pipes and terminals.
    package borrowing func readSome(into buffer: inout MutableRawSpan) throws(FileError) -> Int {
        let descriptor = self.descriptor
        // Safe: the call writes at most `count` bytes into a buffer that this call holds exclusively.
        return try unsafe transferring("read", path, &buffer) { start, count in
            unsafe Glibc.read(descriptor, start, count)
        }
    }

    /// Reads at `offset` until `buffer` is full or the file ends; tells how many bytes came.
    package borrowing func read(into buffer: inout MutableRawSpan, at offset: Int64) throws(FileError) -> Int {
        let descriptor = self.descriptor
        var filled = 0
        while filled < buffer.byteCount {
            var rest = buffer._mutatingExtracting(filled...)
            let position = off_t(offset) + off_t(filled)
            // Safe: as above.
            let count = try unsafe transferring("pread", path, &rest) { start, count in
                unsafe pread(descriptor, start, count, position)
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Reads at `offset` what the kernel has in memory (`preadv2` with RWF_NOWAIT) until `buffer` is full; how many
    /// bytes came: fewer where a disk would have to be waited for, or the file ends, or the file system cannot tell.
    package borrowing func readResident(into buffer: inout MutableRawSpan, at offset: Int64) -> Int {
        let descriptor = self.descriptor
        // Safe: the call writes at most `count` bytes into a buffer that this call holds exclusively.
        return unsafe buffer.withUnsafeMutableBytes { bytes in
            var filled = 0
            while filled < bytes.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
                let count = unsafe clinux_read_resident(
                    descriptor, rest.baseAddress, UInt(rest.count), Int(offset) + filled)
                if count == 0 || count < 0 && errno != EINTR { break }
                filled += max(count, 0)
            }
            return filled
        }
    }

    /// Writes all of `bytes` at the current position.
    package borrowing func write(_ bytes: RawSpan) throws(FileError) {
        let descriptor = self.descriptor
        // Safe: the call reads at most `count` bytes of a span that outlives it.
        try unsafe writing("write", path, bytes) { start, count, _ in unsafe Glibc.write(descriptor, start, count) }
    }

    /// Writes all of `bytes` at `offset`.
    package borrowing func write(_ bytes: RawSpan, at offset: Int64) throws(FileError) {
        let descriptor = self.descriptor
        // Safe: as above.
        try unsafe writing("pwrite", path, bytes) { start, count, done in
            unsafe pwrite(descriptor, start, count, off_t(offset) + off_t(done))
        }
    }

    // MARK: Position and size

    /// Bytes in the file.
    package borrowing func size() throws(FileError) -> Int64 { try status().size }

    /// What the file is now.
    package borrowing func status() throws(FileError) -> FileStatus {
        var status = stat()
        let descriptor = self.descriptor
        _ = try retrying("fstat", path) { unsafe fstat(descriptor, &status) }
        return FileStatus(status)
    }

    /// Moves the position to `offset` from the start.
    package borrowing func seek(to offset: Int64) throws(FileError) {
        let result = lseek(descriptor, off_t(offset), SEEK_SET)
        if result < 0 { throw FileError(operation: "lseek", path: path, code: errno) }
    }

    /// Cuts or extends the file to `size` bytes.
    package borrowing func truncate(to size: Int64) throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("ftruncate", path) { ftruncate(descriptor, off_t(size)) }
    }

    /// Takes `size` bytes of disk for the file now, so that writing them later cannot meet a full disk.
    package borrowing func allocate(_ size: Int64) throws(FileError) {
        let code = posix_fallocate(descriptor, 0, off_t(size))
        if code != 0 { throw FileError(operation: "fallocate", path: path, code: code) }
    }

    // MARK: Durability

    /// Makes the bytes, and the size that reaches them, durable. A failure is final: never ask again.
    package borrowing func synchronizeData() throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("fdatasync", path) { fdatasync(descriptor) }
    }

    /// Makes bytes and metadata durable; of a folder, its names. A failure is final: never ask again.
    package borrowing func synchronize() throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("fsync", path) { fsync(descriptor) }
    }

    /// Makes the whole file system that holds this file durable; tells of write errors since Linux 5.8.
    package borrowing func synchronizeFileSystem() throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("syncfs", path) { syncfs(descriptor) }
    }

    // MARK: Names and locks

    /// Gives an unnamed file the name `destination`, which must not be taken.
    package borrowing func link(as destination: String) throws(FileError) {
        let source = "/proc/self/fd/\(descriptor)"
        _ = try retrying("linkat", destination) {
            unsafe linkat(AT_FDCWD, source, AT_FDCWD, destination, AT_SYMLINK_FOLLOW)
        }
    }

    /// Takes the advisory lock of the whole file for this open file, or throws an error with `isLocked`.
    package borrowing func lockExclusively() throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("flock", path) { flock(descriptor, LOCK_EX | LOCK_NB) }
    }

    /// Sets the permissions, whatever the umask.
    package borrowing func setPermissions(_ permissions: mode_t) throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("fchmod", path) { fchmod(descriptor, permissions) }
    }
}

/// What the file system says of a file.
package struct FileStatus: Sendable {
    package enum Kind: Sendable { case regular, folder, link, other }
    package let kind: Kind
    /// Bytes in the file.
    package let size: Int64
    /// When its bytes last changed, in seconds since 1970.
    package let modifiedSeconds: Int64
    /// Bytes of disk it takes.
    package let allocatedBytes: Int64
    package let permissions: mode_t
    package let linkCount: Int

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .regular
        case S_IFDIR: kind = .folder
        case S_IFLNK: kind = .link
        default: kind = .other
        }
        size = Int64(status.st_size)
        modifiedSeconds = Int64(status.st_mtim.tv_sec)
        allocatedBytes = Int64(status.st_blocks) * 512
        permissions = status.st_mode & 0o7777
        linkCount = Int(status.st_nlink)
    }
}

// MARK: System calls

/// Runs `call` until no signal interrupts it, and turns -1 into an error.
func retrying(_ operation: String, _ path: String, _ call: () -> Int32) throws(FileError) -> Int32 {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw FileError(operation: operation, path: path, code: errno) }
    }
}

@unsafe private func transferring(
    _ operation: String, _ path: String, _ buffer: inout MutableRawSpan,
    _ call: (UnsafeMutableRawPointer?, Int) -> Int
) throws(FileError) -> Int {
    while true {
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe call(bytes.baseAddress, bytes.count)
        }
        if count >= 0 { return count }
        if errno != EINTR { throw FileError(operation: operation, path: path, code: errno) }
    }
}

@unsafe private func writing(
    _ operation: String, _ path: String, _ bytes: RawSpan, _ call: (UnsafeRawPointer?, Int, Int) -> Int
) throws(FileError) {
    var done = 0
    while done < bytes.byteCount {
        let rest = bytes.extracting(done...)
        let count = unsafe rest.withUnsafeBytes { buffer in unsafe call(buffer.baseAddress, buffer.count, done) }
        if count > 0 {
            done += count
        } else if count == 0 || errno != EINTR {
            throw FileError(operation: operation, path: path, code: count == 0 ? EIO : errno)
        }
    }
}

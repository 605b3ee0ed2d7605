import CLinux
package import Glibc

/// An open file, owned by this value and closed with it.
///
/// Calls interrupted by a signal are repeated. Reads and writes are complete: short counts are continued.
package struct OpenFile: ~Copyable, Sendable {
    /// The descriptor, valid as long as this value lives.
    package let descriptor: Int32
    /// Where it was opened, for error messages.
    package let path: String

    /// Takes ownership of a descriptor.
    package init(owning descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { _ = close(descriptor) }

    /// How a file is opened.
    package enum Access: Sendable {
        /// For reading; it must exist.
        case read
        /// For reading from the disk past the page cache (`O_DIRECT`), in aligned pieces; it must exist. File systems
        /// without support fail with EINVAL.
        case readDirect
        /// For reading and writing; it must exist.
        case update
        /// For writing alone; it must exist. Opening a named pipe waits for its reader.
        case write
        /// For reading and writing; it must not exist, and is created with these permissions (less the umask).
        case create(permissions: mode_t)
        /// For reading and writing; created with these permissions if missing.
        case openOrCreate(permissions: mode_t)
        /// For appending; created with these permissions if missing.
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
        case .write: flags |= O_WRONLY | O_NOCTTY
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
        descriptor = try retrying("open", path) {
            unsafe PathText.with(path) { unsafe Glibc.open($0, flags, permissions) }
        }
        self.path = path
    }

    /// A file without a name in `folder`, for reading and writing, that is removed when it is closed (`O_TMPFILE`).
    package static func unnamed(in folder: String) throws(FileError) -> OpenFile {
        // __O_TMPFILE | O_DIRECTORY; the macro is too complex for the importer.
        let temporaryFile: Int32 = 0o20_000_000 | O_DIRECTORY
        let flags = temporaryFile | O_RDWR | O_CLOEXEC
        let descriptor = try retrying("open", folder) {
            unsafe PathText.with(folder) { unsafe Glibc.open($0, flags, 0o600 as mode_t) }
        }
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

    /// The position, in bytes from the start.
    package borrowing func position() throws(FileError) -> Int64 {
        let result = lseek(descriptor, 0, SEEK_CUR)
        if result < 0 { throw FileError(operation: "lseek", path: path, code: errno) }
        return Int64(result)
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

    /// Reserves `size` bytes of disk for the file, so that writing them later cannot fail on a full disk.
    package borrowing func allocate(_ size: Int64) throws(FileError) {
        let code = posix_fallocate(descriptor, 0, off_t(size))
        if code != 0 { throw FileError(operation: "fallocate", path: path, code: code) }
    }

    // MARK: Durability

    /// Makes the bytes and the size durable. A failure is final: never retry.
    package borrowing func synchronizeData() throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("fdatasync", path) { fdatasync(descriptor) }
    }

    /// Makes bytes and metadata durable; of a folder, its names. A failure is final: never retry.
    package borrowing func synchronize() throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("fsync", path) { fsync(descriptor) }
    }

    /// Makes the whole file system of this file durable; reports write errors since Linux 5.8.
    package borrowing func synchronizeFileSystem() throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("syncfs", path) { syncfs(descriptor) }
    }

    // MARK: Names and locks

    /// Gives an unnamed file the name `destination`, which must not exist.
    package borrowing func link(as destination: String) throws(FileError) {
        let source = "/proc/self/fd/\(descriptor)"
        _ = try retrying("linkat", destination) {
            unsafe PathText.with(destination) { unsafe linkat(AT_FDCWD, source, AT_FDCWD, $0, AT_SYMLINK_FOLLOW) }
        }
    }

    /// Takes the advisory lock of the file, or throws an error with `isLocked`.
    package borrowing func lockExclusively() throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("flock", path) { flock(descriptor, LOCK_EX | LOCK_NB) }
    }

    /// Sets the permissions, whatever the umask.
    package borrowing func setPermissions(_ permissions: mode_t) throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("fchmod", path) { fchmod(descriptor, permissions) }
    }

    /// Gives the file away.
    package borrowing func give(to owner: FileOwner) throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("fchown", path) { fchown(descriptor, owner.user, owner.group) }
    }
}

/// The metadata of a file.
package struct FileStatus: Sendable {
    package enum Kind: Sendable {
        case regular, folder, link
        /// A pipe or a character device: what is written to it is gone.
        case stream
        /// A block device or a socket.
        case other
    }

    package let kind: Kind
    /// A character device: a terminal, `/dev/zero`.
    package let isCharacterDevice: Bool
    /// Bytes in the file.
    package let size: Int64
    /// When its bytes last changed, in seconds since 1970.
    package let modifiedSeconds: Int64
    /// Bytes of disk it uses.
    package let allocatedBytes: Int64
    package let permissions: mode_t
    package let linkCount: Int
    package let owner: FileOwner

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .regular
        case S_IFDIR: kind = .folder
        case S_IFLNK: kind = .link
        case S_IFIFO, S_IFCHR: kind = .stream
        default: kind = .other
        }
        isCharacterDevice = status.st_mode & S_IFMT == S_IFCHR
        size = Int64(status.st_size)
        modifiedSeconds = Int64(status.st_mtim.tv_sec)
        allocatedBytes = Int64(status.st_blocks) * 512
        permissions = status.st_mode & 0o7777
        linkCount = Int(status.st_nlink)
        owner = FileOwner(user: status.st_uid, group: status.st_gid)
    }
}

/// Whose a file is.
package struct FileOwner: Hashable, Sendable {
    package let user: uid_t
    package let group: gid_t

    package init(user: uid_t, group: gid_t) {
        self.user = user
        self.group = group
    }
}

/// What others than the owner may do with a file or a folder.
extension FileStatus {
    /// Whether it belongs to the user of this process, and nobody else may read or write it.
    package var isOwnAndPrivate: Bool { owner.user == geteuid() && permissions & 0o077 == 0 }

    /// Why a file that others should not change, or not read where `isSecret`, cannot be relied on, and what to do about
    /// it. Nil for one that can, and for what is no regular file. A group may read a secret, since that is how secrets
    /// reach a container's user.
    package func exposure(isSecret: Bool) -> String? {
        guard kind == .regular else { return nil }
        if permissions & 0o022 != 0 { return "others can write to it; run chmod go-w" }
        if isSecret, permissions & 0o007 != 0 { return "it is secret, but everybody can read it; run chmod o-rwx" }
        return nil
    }
}

// MARK: System calls

/// Repeats `call` while signals interrupt it, and turns -1 into an error.
func retrying(_ operation: String, _ path: String, _ call: () -> Int32) throws(FileError) -> Int32 {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw FileError(operation: operation, path: path, code: errno) }
    }
}

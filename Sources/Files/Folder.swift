import CLinux
package import Glibc

/// Operations on paths rather than on open files.
package enum Folder {
    /// Creates the folder unless it exists.
    package static func make(_ path: String, permissions: mode_t = 0o700) throws(FileError) {
        do { _ = try retrying("mkdir", path) { unsafe PathText.with(path) { unsafe mkdir($0, permissions) } } } catch {
            guard error.isExistence else { throw error }
        }
    }

    /// Creates the folder and every missing folder above it.
    package static func makeAll(_ path: String, permissions: mode_t = 0o700) throws(FileError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += prefix.isEmpty || prefix == "/" ? part : "/" + part
            if try status(prefix, followsLinks: true) == nil { try make(prefix, permissions: permissions) }
        }
    }

    /// Renames within one file system. An existing file is replaced, or, if `replacing` is false, is an error with
    /// `isExistence`.
    package static func rename(_ old: String, to new: String, replacing: Bool = true) throws(FileError) {
        if replacing { return try rename(old, to: new, flags: 0) }
        do { try rename(old, to: new, flags: 1) } catch {  // RENAME_NOREPLACE
            // NFS and most FUSE file systems cannot do that.
            guard [EINVAL, ENOSYS, EOPNOTSUPP].contains(error.code) else { throw error }
            try renameByLink(old, to: new)
        }
    }

    private static func rename(_ old: String, to new: String, flags: UInt32) throws(FileError) {
        _ = try retrying("rename", new) {
            unsafe PathText.with(old) { old in
                unsafe PathText.with(new) { unsafe renameat2(AT_FDCWD, old, AT_FDCWD, $0, flags) }
            }
        }
    }

    /// Renames to a name that is free, without the help of the file system. A file gets its second name before it loses
    /// the first. Folders, and files where there are no hard links, could replace what is made in the same moment: at
    /// worst an empty folder, or a file.
    private static func renameByLink(_ old: String, to new: String) throws(FileError) {
        if try status(old)?.kind == .regular {
            do {
                _ = try retrying("link", new) {
                    unsafe PathText.with(old) { old in unsafe PathText.with(new) { unsafe Glibc.link(old, $0) } }
                }
                try remove(old)
                return
            } catch {
                guard error.isAboutNoLinks else { throw error }
            }
        }
        guard try status(new) == nil else { throw FileError(operation: "rename", path: new, code: EEXIST) }
        try rename(old, to: new, flags: 0)
    }

    /// Removes a file; false if there was none.
    @discardableResult
    package static func remove(_ path: String) throws(FileError) -> Bool {
        do { _ = try retrying("unlink", path) { unsafe PathText.with(path) { unsafe unlink($0) } } } catch {
            guard error.isAbsence else { throw error }
            return false
        }
        return true
    }

    /// Removes an empty folder, if it exists.
    package static func removeEmpty(_ path: String) throws(FileError) {
        do { _ = try retrying("rmdir", path) { unsafe PathText.with(path) { unsafe rmdir($0) } } } catch {
            guard error.isAbsence else { throw error }
        }
    }

    /// The metadata of what is at `path`; nil if nothing is.
    package static func status(_ path: String, followsLinks: Bool = false) throws(FileError) -> FileStatus? {
        var result = stat()
        do {
            _ = try retrying("stat", path) {
                unsafe PathText.with(path) { unsafe followsLinks ? stat($0, &result) : lstat($0, &result) }
            }
        } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
        return FileStatus(result)
    }

    /// Makes the names in the folder durable. A failure is final.
    package static func synchronize(_ path: String) throws(FileError) {
        do { try OpenFile(path, .read).synchronize() } catch {
            // File systems that do not sync folders say so (fsync(2)).
            guard error.code == EINVAL else { throw error }
        }
    }

    // MARK: Owners

    /// The owner of what is at `path`, if it is another user and this process may give files away: it is root's.
    package static func foreignOwner(of path: String) throws(FileError) -> FileOwner? {
        guard geteuid() == 0, let status = try status(path, followsLinks: true), status.owner.user != 0 else {
            return nil
        }
        return status.owner
    }

    /// Gives a file or a folder away.
    package static func give(_ path: String, to owner: FileOwner) throws(FileError) {
        _ = try retrying("chown", path) { unsafe PathText.with(path) { unsafe lchown($0, owner.user, owner.group) } }
    }

    // MARK: Links

    /// Where the symbolic link at `path` leads, as a path that is valid where `path` is.
    package static func target(ofLink path: String) throws(FileError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        // Safe: readlink writes at most `count` bytes into a buffer that outlives the call.
        let limit = buffer.count
        let count = unsafe PathText.with(path) { unsafe readlink($0, &buffer, limit) }
        guard count >= 0 else { throw FileError(operation: "readlink", path: path, code: errno) }
        let text = PathText.text(buffer[..<count].map { UInt8(bitPattern: $0) })
        guard !text.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return text }
        return String(path[...slash]) + text
    }

    /// The path without symbolic links, `.` and `..`; everything on it must exist.
    package static func resolved(_ path: String) throws(FileError) -> String {
        let target: UnsafeMutablePointer<CChar>? = unsafe PathText.with(path) { unsafe realpath($0, nil) }
        guard let target = unsafe target else { throw FileError(operation: "realpath", path: path, code: errno) }
        defer { unsafe free(target) }
        return unsafe PathText.text(cString: target)
    }

    /// The names in the folder, in no order, without `.` and `..`, one at a time: a large folder takes no memory.
    package static func forEachName(in path: String, _ body: (String) throws(FileError) -> Void) throws(FileError) {
        // Safe: the stream is this call's alone and closed on every way out; each entry is copied before the next.
        guard let stream = unsafe PathText.with(path, { unsafe opendir($0) }) else {
            throw FileError(operation: "opendir", path: path, code: errno)
        }
        defer { _ = unsafe closedir(stream) }
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                if errno != 0 { throw FileError(operation: "readdir", path: path, code: errno) }
                return
            }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe PathText.text(cString: $0) }
            }
            if name != "." && name != ".." { try body(name) }
        }
    }

    /// The names in a small folder.
    package static func names(in path: String) throws(FileError) -> [String] {
        var names: [String] = []
        try forEachName(in: path) { name throws(FileError) in names.append(name) }
        return names
    }

    /// Bytes that an unprivileged process may still write to the file system of `path`.
    package static func freeBytes(at path: String) throws(FileError) -> Int64 {
        try fileSystemBytes(at: path) { UInt64($0.f_bavail) }
    }

    /// Bytes of the file system of `path`, used or not.
    package static func totalBytes(at path: String) throws(FileError) -> Int64 {
        try fileSystemBytes(at: path) { UInt64($0.f_blocks) }
    }

    private static func fileSystemBytes(
        at path: String, _ blocks: (statvfs) -> UInt64
    ) throws(FileError) -> Int64 {
        var status = statvfs()
        _ = try retrying("statvfs", path) { unsafe PathText.with(path) { unsafe statvfs($0, &status) } }
        let (bytes, overflow) = blocks(status).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }
}

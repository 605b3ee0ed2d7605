import CLinux
package import Glibc

/// Operations on paths rather than on open files.
package enum Folder {
    /// Creates the folder unless it exists.
    package static func make(_ path: String, permissions: mode_t = 0o700) throws(FileError) {
        do { _ = try retrying("mkdir", path) { unsafe mkdir(path, permissions) } } catch {
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
        let noReplace: UInt32 = 1  // RENAME_NOREPLACE
        _ = try retrying("rename", new) {
            unsafe renameat2(AT_FDCWD, old, AT_FDCWD, new, replacing ? 0 : noReplace)
        }
    }

    /// Removes a file; false if there was none.
    @discardableResult
    package static func remove(_ path: String) throws(FileError) -> Bool {
        do { _ = try retrying("unlink", path) { unsafe unlink(path) } } catch {
            guard error.isAbsence else { throw error }
            return false
        }
        return true
    }

    /// Removes an empty folder, if it exists.
    package static func removeEmpty(_ path: String) throws(FileError) {
        do { _ = try retrying("rmdir", path) { unsafe rmdir(path) } } catch {
            guard error.isAbsence else { throw error }
        }
    }

    /// The metadata of what is at `path`; nil if nothing is.
    package static func status(_ path: String, followsLinks: Bool = false) throws(FileError) -> FileStatus? {
        var result = stat()
        do {
            _ = try retrying("stat", path) {
                unsafe followsLinks ? stat(path, &result) : lstat(path, &result)
            }
        } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
        return FileStatus(result)
    }

    /// Makes the names in the folder durable. A failure is final.
    package static func synchronize(_ path: String) throws(FileError) {
        try OpenFile(path, .read).synchronize()
    }

    /// The names in the folder, in no order, without `.` and `..`, one at a time: a large folder takes no memory.
    package static func forEachName(in path: String, _ body: (String) throws(FileError) -> Void) throws(FileError) {
        // Safe: the stream is this call's alone and closed on every way out; each entry is copied before the next.
        guard let stream = unsafe opendir(path) else {
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
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
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
        var status = statvfs()
        _ = try retrying("statvfs", path) { unsafe statvfs(path, &status) }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }
}

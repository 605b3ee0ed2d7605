import Glibc

/// A failed system call on a file: what was tried, on what, and why.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call, by the name of its manual page: `open`, `fsync`, `rename` …
    package let operation: String
    /// The path, or a few words for a file without one.
    package let path: String
    /// The error number of the call; `EIO` if a file ended too early.
    package let code: Int32

    package init(operation: String, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    package var description: String {
        // Safe: strerror_r writes at most 256 bytes, terminated, into a buffer that outlives the call.
        let reason = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer -> String in
            guard let start = buffer.baseAddress else { return "error \(code)" }
            return unsafe strerror_r(code, start, buffer.count) == 0 ? String(cString: start) : "error \(code)"
        }
        return "\(operation) \(path): \(reason)"
    }

    /// The file, or a folder on its path, does not exist. Nothing else counts as absence.
    package var isAbsence: Bool { code == ENOENT }
    /// A file of that name exists already.
    package var isExistence: Bool { code == EEXIST }
    /// The disk, its inodes or a quota are exhausted.
    package var isFullDisk: Bool { code == ENOSPC || code == EDQUOT }
    /// The disk could not return the bytes: a read error, a bad block (ENODATA), a checksum mismatch of the file system
    /// (EBADMSG), a corrupt structure of it (EUCLEAN). Retrying may help; often it does not.
    package var isUnreadable: Bool { [EIO, ENODATA, EBADMSG, EUCLEAN].contains(code) }
    /// Another process holds the lock.
    package var isLocked: Bool { code == EWOULDBLOCK }
}

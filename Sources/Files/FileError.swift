import Glibc

/// A system call on a file that failed: what was tried, on what, and why.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call, as its manual page is named: `open`, `fsync`, `rename` …
    package let operation: String
    /// The path, or a few words for a file without one.
    package let path: String
    /// The error number of the call; `EIO` where a file ended before its bytes did.
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

    /// The file, or a folder on the way to it, is not there. Nothing else counts as absence.
    package var isAbsence: Bool { code == ENOENT }
    /// A file of that name is there already.
    package var isExistence: Bool { code == EEXIST }
    /// The disk, its inodes or a quota are used up.
    package var isFullDisk: Bool { code == ENOSPC || code == EDQUOT }
    /// The disk could not give the bytes back: a read error, a bad block (ENODATA), a checksum of the file system that
    /// does not match (EBADMSG), a structure of it that makes no sense (EUCLEAN). Asking again may help; often it does not.
    package var isUnreadable: Bool { [EIO, ENODATA, EBADMSG, EUCLEAN].contains(code) }
    /// Another process holds the lock.
    package var isLocked: Bool { code == EWOULDBLOCK }
}

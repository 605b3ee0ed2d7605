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

    package var description: String { "\(operation) \(PathText.readable(path)): \(Self.reason(code))" }

    /// What an error number means, in the system's words: `Permission denied`.
    package static func reason(_ code: Int32) -> String {
        // Safe: strerror_r writes at most 256 bytes, terminated, into a buffer that outlives the call.
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer -> String in
            guard let start = buffer.baseAddress else { return "error \(code)" }
            return unsafe strerror_r(code, start, buffer.count) == 0 ? String(cString: start) : "error \(code)"
        }
    }

    /// The file, or a folder on its path, does not exist. Nothing else counts as absence.
    package var isAbsence: Bool { code == ENOENT }
    /// A file of that name exists already.
    package var isExistence: Bool { code == EEXIST }
    /// The process or the machine has no descriptor or no memory left for it; the file may be as it should be.
    package var isShortage: Bool { [EMFILE, ENFILE, ENOMEM].contains(code) }
    /// The disk, its inodes or a quota are exhausted.
    package var isFullDisk: Bool { code == ENOSPC || code == EDQUOT }
    /// The disk could not return the bytes: a read error, a bad block (ENODATA), a checksum mismatch of the file system
    /// (EBADMSG), a corrupt structure of it (EUCLEAN). Retrying may help; often it does not.
    package var isUnreadable: Bool { [EIO, ENODATA, EBADMSG, EUCLEAN].contains(code) }
    /// The reader of a pipe has gone.
    package var isUnread: Bool { code == EPIPE }
    /// The file system has no hard links (link(2)).
    package var isAboutNoLinks: Bool { [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(code) }
    /// Another process holds the lock.
    package var isLocked: Bool { code == EWOULDBLOCK }
}

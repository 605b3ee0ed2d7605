import GRDBSQLite
import Glibc

/// What SQLite is told of a write that a quota refuses: that the disk is full.
///
/// It knows ENOSPC alone as that; EDQUOT would be to it a disk that failed, after which nobody knows what was written.
/// Its table of system calls is made for such things (sqlite3.h, xSetSystemCall) and is the whole process's.
enum QuotaWrites {
    /// Read once before the first database is opened.
    static let areFullDisks: Void = {
        // Safe: SQLite keeps its file systems for ever, copies the name it looks for, and calls what it is given with the
        // types of write(2) and pwrite(2), which the functions below have.
        guard let system = unsafe sqlite3_vfs_find(nil), let set = unsafe system.pointee.xSetSystemCall else {
            preconditionFailure("SQLite has a file system whose calls can be set")
        }
        let results = unsafe [
            set(system, "write", unsafeBitCast(write, to: sqlite3_syscall_ptr.self)),
            set(system, "pwrite", unsafeBitCast(writeAt, to: sqlite3_syscall_ptr.self)),
            set(system, "pwrite64", unsafeBitCast(writeAt, to: sqlite3_syscall_ptr.self)),
        ]
        precondition(results.allSatisfy { $0 == SQLITE_OK }, "SQLite writes by calls of these names")
    }()

    private static let write: @convention(c) (Int32, UnsafeRawPointer?, Int) -> Int = { file, bytes, count in
        told(unsafe Glibc.write(file, bytes, count))
    }

    /// Offsets have 64 bits on every system that this runs on.
    private static let writeAt: @convention(c) (Int32, UnsafeRawPointer?, Int, off_t) -> Int = {
        file, bytes, count, offset in told(unsafe pwrite(file, bytes, count, offset))
    }

    private static func told(_ result: Int) -> Int {
        if result < 0 && errno == EDQUOT { errno = ENOSPC }
        return result
    }
}

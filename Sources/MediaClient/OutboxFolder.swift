import Files
import Glibc

/// The files of one entry: the folder `outbox/<name>`, 0700, with
///
///     record     what is sent, and its message      written once, before the folder gets its name
///     blob       the sealed file                    gone once the server holds it
///     standing   how far it is                      written anew with each step; missing at first
///
/// A folder whose name begins with a dot is one in the making or on its way out.
struct OutboxFolder: Sendable {
    let path: String

    var record: String { "\(path)/record" }
    var blob: String { "\(path)/blob" }
    var standing: String { "\(path)/standing" }

    /// A record with 256 receipt secrets has a fifth of this.
    private static let fileLimitBytes: Int64 = 64 * 1024

    /// Locks the folder for as long as the value lives; throws `isLocked` where another process works on it, and
    /// `isAbsence` where the folder is gone.
    func lock() throws(FileError) -> OpenFile {
        let folder = try OpenFile(path, .read)
        try folder.lockExclusively()
        // One that was renamed meanwhile is on its way out.
        guard try Folder.status(path) != nil, try folder.status().linkCount > 0 else {
            throw FileError(operation: "open", path: path, code: ENOENT)
        }
        return folder
    }

    /// The same for whoever means to work on it: a listing looks in for a moment only, and is waited for.
    func lockToWork() throws(FileError) -> OpenFile {
        for _ in 0..<20 {
            do { return try lock() } catch {
                guard error.isLocked else { throw error }
                usleep(10_000)
            }
        }
        return try lock()
    }

    /// The file at `path`; nil if there is none, or a larger one than is ever written.
    func contents(of path: String) throws(FileError) -> [UInt8]? {
        do throws(FileError) { return try OpenFile(path, .read).contents(limitBytes: Self.fileLimitBytes) } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }

    /// Puts a file of this text in the place of the one that is there, durably.
    func write(_ text: String, to path: String) throws(FileError) {
        let file = try TemporaryFile(in: self.path)
        try file.file.write(Array(text.utf8)[...])
        try file.publish(as: path, replacing: true)
    }

    /// Removes the folder and what is in it.
    func remove() throws(FileError) {
        for name in try Folder.names(in: path) { try Folder.remove("\(path)/\(name)") }
        try Folder.removeEmpty(path)
    }
}

import Files
import Glibc

/// A folder of a test's own, removed with everything in it when the test lets go of it.
package final class TemporaryFolder: Sendable {
    package let path: String

    /// Makes a new, empty folder below `TMPDIR`, or `/tmp`.
    package convenience init() throws {
        try self.init(below: unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp")
    }

    /// Makes a new, empty folder in memory where the machine has room for files there: for tests that kill a process
    /// or make thousands of files, and to which a slow disk would only add waiting.
    package static func inMemory() throws -> TemporaryFolder {
        guard try Folder.status("/dev/shm") != nil else { return try TemporaryFolder() }
        return try TemporaryFolder(below: "/dev/shm")
    }

    /// Makes a new, empty folder below `base`.
    package init(below base: String) throws {
        let name = (0..<16).map { _ in String(UInt8.random(in: 0...15), radix: 16) }.joined()
        path = "\(base)/satchel-test-\(name)"
        try Folder.makeAll(path)
    }

    /// The path of `name` inside the folder.
    package func path(_ name: String) -> String { "\(path)/\(name)" }

    deinit { Self.removeAll(path) }

    /// Removes a folder and everything below it; what cannot be removed stays.
    package static func removeAll(_ path: String) {
        for name in (try? Folder.names(in: path)) ?? [] {
            let child = "\(path)/\(name)"
            if (try? Folder.status(child))??.kind == .folder {
                removeAll(child)
            } else {
                _ = try? Folder.remove(child)
            }
        }
        _ = unsafe rmdir(path)
    }
}

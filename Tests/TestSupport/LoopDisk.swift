import Files
import Foundation
import Glibc
import Synchronization

/// A file system of its own, in a file in memory, whose power can be cut: what was synced is there afterwards, what was
/// not is gone.
package final class LoopDisk: Sendable {
    package static let missing = "takes root, loop devices, xfsprogs and e2fsprogs"
    package static let isPossible = (try? LoopDisk("ext4")) != nil && (try? LoopDisk("xfs")) != nil

    /// Where it is mounted.
    package let path: String
    /// A file that stays when the power goes.
    package let ledger: String
    private let folder: TemporaryFolder
    private let image: String

    /// - Parameter kind: ext4 or xfs.
    package init(_ kind: String) throws {
        folder = try .inMemory()
        (path, ledger, image) = (folder.path("disk"), folder.path("ledger"), folder.path("image"))
        try Folder.make(path)
        try Self.run("truncate", "-s", "400M", image)
        try Self.run("mkfs.\(kind)", "-q", image)
        try Self.run("mount", "-o", "loop", image, path)
    }

    deinit { try? Self.run("umount", path) }

    /// Shuts the file system down as it is at this moment, with nothing more written to it, and gives what the ledger
    /// said just before: where the power goes the process does not live on to say more, and here it may, since a
    /// sync that is under way when the file system goes can return without an error.
    private func cutPower() throws -> [UInt8] {
        let root = try OpenFile(path, .read)
        let told = try bytes(ofFile: ledger)
        var withoutTheLog: UInt32 = 2
        // Safe: FS_IOC_SHUTDOWN reads one number of 32 bits, which outlives the call.
        guard unsafe ioctl(root.descriptor, 0x8004_587d, &withoutTheLog) == 0 else {
            throw FileError(operation: "shut down", path: path, code: errno)
        }
        return told
    }

    /// The power is back.
    package func mountAgain() throws {
        try Self.run("umount", path)
        try Self.run("mount", "-o", "loop", image, path)
    }

    /// Cuts the power so many milliseconds after something was written into the ledger. A thread of its own does: whoever
    /// waits for another process in a test may hold all those that tasks run on.
    package func cutPower(afterFirst milliseconds: Int) -> PowerCut {
        let cut = PowerCut()
        Thread.detachNewThread { [self] in
            let told = Result {
                while try (Folder.status(ledger)?.size ?? 0) == 0 { usleep(1000) }
                usleep(UInt32(milliseconds) * 1000)
                return try cutPower()
            }
            cut.outcome.withLock { $0 = told }
        }
        return cut
    }

    /// A cut that is to come.
    package final class PowerCut: Sendable {
        fileprivate let outcome = Mutex<Result<[UInt8], any Error>?>(nil)

        /// What the ledger said when it came; waits for it.
        package var told: [UInt8] {
            get async throws { try await eventually { outcome.withLock { $0 } }.get() }
        }
    }

    private static func run(_ arguments: String...) throws {
        try runQuietly(["/usr/bin/env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"] + arguments)
    }
}

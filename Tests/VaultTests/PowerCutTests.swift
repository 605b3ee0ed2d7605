import Blobs
import Files
import Foundation
import Glibc
import Lifecycle
import TestSupport
import Testing
import Vault

/// The power goes: a file system of its own is shut down under a store at work, and mounted again.
/// What was synced is there then, what was not is gone.
@Suite(.enabled(if: PowerSwitch.isPossible, "takes root, xfsprogs and SATCHEL_SOAK=1"))
struct PowerCutTests {
    @Test(arguments: ["ext4", "xfs"], 0..<5)
    func `what was acknowledged before the power went is there when it comes back`(kind: String, round: Int)
        async throws
    {
        let folder = try TemporaryFolder.inMemory()
        let (image, disk, ledger) = (folder.path("image"), folder.path("disk"), folder.path("ledger"))
        try Folder.make(disk)
        try Self.run("truncate", "-s", "400M", image)
        try Self.run("mkfs.\(kind)", "-q", image)
        try Self.run("mount", "-o", "loop", image, disk)
        defer { try? Self.run("umount", disk) }

        let cut = Task {
            while try (Folder.status(ledger)?.size ?? 0) < 200 + round * 400 {
                try await Task.sleep(for: .milliseconds(5))
            }
            try Self.run(PowerSwitch.xfsIO, "-x", "-c", "shutdown", disk)
        }
        await #expect(processExitsWith: .success) { [disk = disk as String, ledger = ledger as String] in
            try await PowerCutTests.work(on: disk, ledger: ledger)
        }
        try await cut.value
        try Self.run("umount", disk)
        try Self.run("mount", "-o", "loop", image, disk)

        let text = String(decoding: try bytes(ofFile: ledger), as: UTF8.self)
        let acknowledged = text.split(separator: "\n").compactMap { Int($0) }
        #expect(acknowledged.count > 10)
        let vault = try await Vault.open(
            at: "\(disk)/store", settings: TestStore.smallSettings, clock: TestClock(), logger: TestStore.quiet)
        for seed in acknowledged {
            let found = try await vault.fetch(address(of: content(seed)))
            #expect(found == .held(content(seed)), "\(seed)")
        }
        let sweep = try await Lifecycle(vault: vault).collect(CollectOptions(isAlone: true))
        let check = try await Lifecycle(vault: vault).check()
        #expect(sweep.orphansKept == nil && check.isClean)
        await vault.close()
    }

    /// Uploads at full speed until the disk fails, and writes down what was acknowledged.
    static func work(on disk: String, ledger: String) async throws {
        // SQLite maps a file of the disk that goes; touched afterwards, the kernel may end the process first.
        _ = signal(SIGBUS) { _ in _exit(0) }
        let vault = try await Vault.open(
            at: "\(disk)/store", settings: TestStore.smallSettings, clock: TestClock(), logger: TestStore.quiet)
        let file = OpenFile(owning: unsafe open(ledger, O_WRONLY | O_CREAT | O_APPEND, 0o600), path: ledger)
        let descriptor = file.descriptor
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for round in 0..<100_000 {
                        let seed = round * 8 + worker
                        guard (try? await vault.upload(content(seed), owner: secret(seed))) != nil else { return }
                        let line = Array("\(seed)\n".utf8)
                        _ = unsafe Glibc.write(descriptor, line, line.count)
                    }
                }
            }
        }
        exit(0)
    }

    private static func run(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(arguments)")
    }
}

/// Whether the power can be cut here.
enum PowerSwitch {
    static let xfsIO = "/usr/sbin/xfs_io"

    static var isPossible: Bool {
        let isSoak = unsafe getenv("SATCHEL_SOAK") != nil
        return isSoak && getuid() == 0 && FileManager.default.fileExists(atPath: xfsIO)
    }
}

import Blobs
import Files
import Foundation
import Glibc
import Store
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// The power goes: a file system of its own is shut down under a store at work, and mounted again.
/// What was synced is there then, what was not is gone.
@Suite(.serialized, .enabled(if: PowerSwitch.isPossible, "takes root, loop devices, xfsprogs and e2fsprogs"))
struct PowerCutTests {
    @Test(arguments: ["ext4", "xfs"], 0..<PowerSwitch.rounds)
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

        // Any moment from the first acknowledgement on.
        let moment = Int.random(in: 0...400)
        let cut = Task {
            while try (Folder.status(ledger)?.size ?? 0) == 0 { try await Task.sleep(for: .milliseconds(1)) }
            try await Task.sleep(for: .milliseconds(moment))
            return try PowerSwitch.cut(disk, ledger: ledger)
        }
        await #expect(processExitsWith: .success) { [disk = disk as String, ledger = ledger as String] in
            try await PowerCutTests.work(on: disk, ledger: ledger)
        }
        let told = try await cut.value
        try Self.run("umount", disk)
        try Self.run("mount", "-o", "loop", image, disk)
        try await Self.expectAll(Ledger(told), on: disk, "cut \(moment) ms after the first")
    }

    /// What had been told when the power went.
    private struct Ledger {
        /// Seeds of blobs that were acknowledged.
        var held: Set<Int> = []
        /// The seed and the last offset of each upload that goes over several requests.
        var told: [String: (seed: Int, offset: Int64)] = [:]

        init(_ bytes: [UInt8]) {
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                let words = line.split(separator: " ")
                let numbers = words.compactMap { Int($0) }
                if words[0] == "held" { held.insert(numbers[0]) }
                if words[0] == "told" {
                    told[String(words[1])] = (numbers[numbers.count - 2], Int64(numbers[numbers.count - 1]))
                }
            }
        }
    }

    /// Every blob is there and whole, every upload goes on from an offset no less than was told, and after one sweep
    /// nothing is amiss.
    private static func expectAll(_ ledger: Ledger, on disk: String, _ when: Comment) async throws {
        #expect(!ledger.held.isEmpty)
        let vault = try await Vault.open(
            at: "\(disk)/store", settings: VaultSettings.small, clock: TestClock(), logger: TestStore.quiet)
        for (name, told) in ledger.told {
            let upload = try await vault.upload(#require(UploadID(hex: name)))
            #expect(upload.offset >= told.offset, "\(told.seed), \(when)")
            if upload.isOpen { try await end(upload, with: blob(told.seed), in: vault) }
        }
        for seed in ledger.held.union(ledger.told.values.map(\.seed)) {
            let found = try await vault.fetch(address(of: blob(seed)))
            #expect(found == .held(blob(seed)), "\(seed), \(when)")
        }
        let sweep = try await vault.collect(CollectOptions(isAlone: true))
        let check = try await vault.check()
        #expect(sweep.orphansKept == nil && check.isClean, when)
        await vault.close()
    }

    /// Brings what an upload lacks.
    private static func end(_ upload: ResumableUpload, with bytes: [UInt8], in vault: Vault) async throws {
        let rest = bytes[Int(upload.offset)...]
        if !rest.isEmpty { _ = try await vault.bring(rest, to: upload.id, at: upload.offset) }
        _ = try await vault.finish(upload.id, at: Int64(bytes.count))
    }

    /// Mostly small ones, that share a sync; some have a sync of their own, and those of one worker come in parts.
    private static func blob(_ seed: Int) -> [UInt8] {
        content(seed, count: seed % 16 == 0 || isInParts(seed) ? 200_000 : 1000)
    }

    private static func isInParts(_ seed: Int) -> Bool { seed % 8 == 7 }

    /// Uploads at full speed until the disk fails, and writes down what was acknowledged.
    static func work(on disk: String, ledger: String) async throws {
        // SQLite maps a file of the disk that goes; touched afterwards, the kernel may end the process first.
        _ = signal(SIGBUS) { _ in _exit(0) }
        let vault = try await Vault.open(
            at: "\(disk)/store", settings: VaultSettings.small, clock: TestClock(), logger: TestStore.quiet)
        let file = OpenFile(owning: unsafe open(ledger, O_WRONLY | O_CREAT | O_APPEND, 0o600), path: ledger)
        let descriptor = file.descriptor
        let note = { @Sendable (line: String) in
            let bytes = Array("\(line)\n".utf8)
            _ = unsafe Glibc.write(descriptor, bytes, bytes.count)
        }
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for round in 0..<100_000 {
                        do { try await store(round * 8 + worker, in: vault, note: note) } catch { return }
                    }
                }
            }
        }
        exit(0)
    }

    /// Uploads the blob of one seed, in one go or in parts.
    private static func store(_ seed: Int, in vault: Vault, note: @Sendable (String) -> Void) async throws {
        let bytes = blob(seed)
        if isInParts(seed) {
            let id = try await vault.create(bytes, owner: secret(seed)).id
            for start in stride(from: 0, to: bytes.count, by: 50_000) {
                let upload = try await vault.bring(bytes[start..<start + 50_000], to: id, at: Int64(start))
                note("told \(id.hex) \(seed) \(upload.offset)")
            }
            _ = try await vault.finish(id, at: Int64(bytes.count))
        } else {
            try await vault.upload(bytes, owner: secret(seed))
        }
        note("held \(seed)")
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

/// Whether the power can be cut here, and how often it is.
enum PowerSwitch {
    /// Ten on each kind of file system, a hundred in a long run.
    static var rounds: Int { unsafe getenv("SATCHEL_SOAK") != nil ? 100 : 10 }

    static var isPossible: Bool {
        let needed = ["/usr/sbin/mkfs.xfs", "/usr/sbin/mkfs.ext4", "/dev/loop-control"]
        return SmallDisk.isPossible && needed.allSatisfy { FileManager.default.fileExists(atPath: $0) }
    }
    /// Shuts the file system of `disk` down as it is at this moment, with nothing more written to it, and gives what the
    /// ledger said just before: where the power goes the process does not live on to say more, and here it may, since a
    /// sync that is under way when the file system goes can return without an error.
    static func cut(_ disk: String, ledger: String) throws -> [UInt8] {
        let folder = try OpenFile(disk, .read)
        let told = try bytes(ofFile: ledger)
        var withoutTheLog: UInt32 = 2
        // Safe: FS_IOC_SHUTDOWN reads one number of 32 bits, which outlives the call.
        guard unsafe ioctl(folder.descriptor, 0x8004_587d, &withoutTheLog) == 0 else {
            throw FileError(operation: "shut down", path: disk, code: errno)
        }
        return told
    }
}

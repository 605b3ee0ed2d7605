import Blobs
import Files
import Glibc
import Store
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// The power goes under a store at work.
@Suite(.serialized, .enabled(if: LoopDisk.isPossible, Comment(rawValue: LoopDisk.missing)))
struct PowerCutTests {
    @Test(arguments: ["ext4", "xfs"], 0..<PowerCuts.rounds)
    func `what was acknowledged before the power went is there when it comes back`(kind: String, round: Int)
        async throws
    {
        let disk = try LoopDisk(kind)
        defer { withExtendedLifetime(disk) {} }
        // Any moment from the first acknowledgement on.
        let moment = Int.random(in: 0...400)
        let cut = disk.cutPower(afterFirst: moment)
        await #expect(processExitsWith: .success) { [disk = disk.path as String, ledger = disk.ledger as String] in
            try await PowerCutTests.work(on: disk, ledger: ledger)
        }
        let told = try await cut.told
        try disk.mountAgain()
        try await Self.expectAll(Ledger(told), on: disk.path, "cut \(moment) ms after the first")
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

    /// Uploads per worker, together a third of the disk: however late the power goes, there is room for what comes after.
    private static let rounds = 450

    /// Uploads at full speed, writes down what was acknowledged, and ends when the disk fails.
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
                    for round in 0..<rounds {
                        do { try await store(round * 8 + worker, in: vault, note: note) } catch { return }
                    }
                }
            }
        }
        // The power may go between the two.
        while (try? Folder.make("\(disk)/probe")) != nil, (try? Folder.removeEmpty("\(disk)/probe")) != nil {
            try await Task.sleep(for: .milliseconds(5))
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
}

/// How often the power is cut on each kind of file system.
private enum PowerCuts {
    static var rounds: Int { unsafe getenv("SATCHEL_SOAK") != nil ? 100 : 10 }
}

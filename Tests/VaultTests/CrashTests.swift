import Blobs
import DiskStore
import Files
import Glibc
import Store
import StoreTestSupport
import TestSupport
import Testing
import Vault

@Suite struct CrashTests {
    /// How many processes die side by side.
    private static let width = 3

    @Test func `killed behind any durable step, a store holds all it acknowledged and is clean after one sweep`()
        async throws
    {
        let reached = try await Self.cleanRun()
        #expect(
            Set(reached) == Set(FaultPoint.allCases).subtracting(FaultPoint.apart), "the script comes by every point")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for killAt in 1...reached.count {
                if killAt > Self.width { try await group.next() }
                group.addTask { try await Self.crash(at: killAt, after: reached[killAt - 1]) }
            }
            try await group.waitForAll()
        }
    }

    /// Points spread over the run of a crowd, whatever order its members come in.
    @Test(arguments: [40, 80, 120, 160, 200, 240, 270])
    func `killed in the midst of many uploads, a store holds those it acknowledged`(killAt: Int) async throws {
        let folder = try TemporaryFolder.inMemory()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, killAt = killAt as Int] in
            try await CrashScript(folder: path, killAt: killAt).runCrowd(of: 96)
        }
        let text = String(decoding: try bytes(ofFile: CrashScript.ledger(in: path), orEmpty: true), as: UTF8.self)
        let vault = try await Vault.open(
            at: CrashScript.store(in: path), settings: VaultSettings.small, clock: TestClock(),
            logger: TestStore.quiet)
        for line in text.split(separator: "\n") {
            let bytes = content(try #require(Int(line.dropFirst("held ".count))))
            let found = try await vault.fetch(address(of: bytes))
            #expect(found == .held(bytes))
        }
        let sweep = try await vault.collect(CollectOptions(isAlone: true))
        let check = try await vault.check()
        #expect(sweep.orphansKept == nil && check.isClean)
        await vault.close()
        try Charges.expectExact(inStore: CrashScript.store(in: path))
    }

    private static func cleanRun() async throws -> [FaultPoint] {
        let folder = try TemporaryFolder.inMemory()
        let script = CrashScript(folder: folder.path)
        try await script.run()
        try await expectTruth(in: folder.path, "nothing was killed")
        return script.reached
    }

    private static func crash(at killAt: Int, after point: FaultPoint) async throws {
        let folder = try TemporaryFolder.inMemory()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL), "\(killAt): \(point)") {
            [path = path as String, killAt = killAt as Int] in
            try await CrashScript(folder: path, killAt: killAt).run()
        }
        try await expectTruth(in: path, "killed at \(killAt), behind \(point)")
    }

    /// The store opens, what the ledger says is true, and after one sweep nothing is amiss.
    private static func expectTruth(in folder: String, _ when: Comment) async throws {
        let ledger = Ledger(try bytes(ofFile: CrashScript.ledger(in: folder), orEmpty: true))
        let clock = TestClock()
        let vault = try await Vault.open(
            at: CrashScript.store(in: folder), settings: VaultSettings.small, clock: clock,
            logger: TestStore.quiet)
        try await heal(ledger, in: vault)
        for name in ledger.held {
            let bytes = CrashScript.bytes(name)
            let found = try await vault.fetch(address(of: bytes))
            #expect(found == .held(bytes), "\(name), \(when)")
        }
        for name in ledger.revoked {
            let found = try await vault.fetch(address(of: CrashScript.bytes(name)))
            #expect(found == .gone(.revoked), "\(name), \(when)")
        }
        try await expectLives(ledger, in: vault, when)
        try await expectNames(ledger, in: vault, when)
        try await expectOffsets(ledger, in: vault, when)
        // Of an upload that was made and not told of nobody knows; its time goes by.
        clock.pass(seconds: 86_400)
        let sweep = try await vault.collect(CollectOptions(isAlone: true))
        #expect(sweep.hold == nil && sweep.orphansKept == nil && sweep.hasBallast, when)
        let check = try await vault.check()
        #expect(check.isClean && check.awaitingUpload == 0, when)
        let staged = try Folder.names(in: vault.layout.staging)
        let aside = try Folder.names(in: vault.layout.damaged)
        #expect(staged.isEmpty && aside.isEmpty, when)
        await vault.close()
        try Charges.expectExact(inStore: CrashScript.store(in: folder), when)
        let strays = try Charges.strayAliases(ofStore: CrashScript.store(in: folder))
        #expect(strays == 0, when)
    }

    /// Every name that was told leads to its blob, which is shown to nobody by its address for that, and to nothing once it
    /// has ended.
    private static func expectNames(_ ledger: Ledger, in vault: Vault, _ when: Comment) async throws {
        for (number, name) in ledger.named {
            let bytes = CrashScript.bytes(name)
            guard case .held(let held) = try await vault.find(CrashScript.alias(number)).finding else {
                Issue.record("\(number) leads to nothing, \(when)")
                continue
            }
            #expect(held.address == address(of: bytes), when)
            let range = try #require(ByteRange(offset: 0, count: held.size, within: held.size))
            let read = try await held.content.read(range)
            #expect(read == bytes, when)
            if name == "n" {
                let found = try await vault.fetch(address(of: bytes))
                #expect(found == .unknown, when)
            }
        }
        for number in ledger.unnamed {
            let finding = try await vault.find(CrashScript.alias(number)).finding
            guard case .gone(.removed) = finding else {
                Issue.record("\(number) is \(finding), \(when)")
                continue
            }
        }
    }

    /// What the ledger says of words, renewals and forwards is so; what is banned comes in no more.
    private static func expectLives(_ ledger: Ledger, in vault: Vault, _ when: Comment) async throws {
        if ledger.news.contains("forwarded a") {
            let lease = try await vault.lease(on: address(of: CrashScript.bytes("a")), owner: secret(10))
            #expect(lease.state == .held, when)
            if ledger.news.contains("received a") { #expect(lease.received.count == 1, when) }
            if ledger.news.contains("renewed a") {
                #expect(lease.expires == lease.created.advanced(by: .days(3)), when)
            }
        }
        guard ledger.news.contains("banned f") else { return }
        let found = try await vault.fetch(address(of: CrashScript.bytes("f")))
        #expect(found == .gone(.removed), when)
        await #expect(throws: StoreError.banned, when) { try await vault.upload(CrashScript.bytes("f")) }
    }

    /// Every offset that was told is there, and from there on the upload comes to its blob.
    private static func expectOffsets(_ ledger: Ledger, in vault: Vault, _ when: Comment) async throws {
        // Their time was up before the process died, or is by now.
        if ledger.news.contains("later") { return }
        for (id, name) in ledger.uploads {
            guard !(name == "s" && ledger.news.contains("cancelling s")) else {
                try? await vault.cancel(id)
                continue
            }
            let upload = try await vault.upload(id)
            #expect(upload.offset >= ledger.told[name] ?? 0, "\(name), \(when)")
            if name == "t" {
                if upload.isOpen { try await vault.cancel(id) }
                continue
            }
            let bytes = CrashScript.bytes(name)
            if upload.isOpen {
                let session = try await vault.session(id, at: upload.offset)
                try await session.append(Array(bytes[Int(upload.offset)...]))
                _ = try await session.commit()
            }
            let found = try await vault.fetch(address(of: bytes))
            #expect(found == .held(bytes), "\(name), \(when)")
        }
    }

    /// A blob that the script itself damaged heals as any other: by repair, and by the same bytes again.
    private static func heal(_ ledger: Ledger, in vault: Vault) async throws {
        guard ledger.isDamaged else { return }
        _ = try await vault.check(CheckOptions(repair: true))
        try await vault.upload(CrashScript.bytes("c"), owner: secret(9))
    }

    /// What the script had been told when it died.
    private struct Ledger {
        var held: Set<String> = []
        var revoked: Set<String> = []
        var isDamaged = false
        /// Uploads that outlive their requests, and of each name the last offset told.
        var uploads: [(id: UploadID, name: String)] = []
        var told: [String: Int64] = [:]
        /// Names that lead to blobs, and those that do no more.
        var named: [Int: String] = [:]
        var unnamed: [Int] = []
        /// Lines about one lease, as they stand.
        var news: Set<String> = []

        init(_ bytes: [UInt8]) {
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                let words = line.split(separator: " ").map(String.init)
                switch words[0] {
                case "held": held.insert(words[1])
                case "revoking", "removing": held.remove(words[1])
                case "revoked": revoked.insert(words[1])
                case "named": named[Int(words[1]) ?? 0] = words[2]
                case "unnaming": named[Int(words[1]) ?? 0] = nil
                case "unnamed": unnamed.append(Int(words[1]) ?? 0)
                case "damaged": isDamaged = true
                case "made":
                    if let id = UploadID(hex: words[2]) { uploads.append((id, words[1])) }
                    told[words[1]] = 0
                case "told": told[words[1]] = Int64(words[2])
                default: news.insert(String(line))
                }
            }
        }
    }
}

/// The whole of a small file, or nothing where there is none.
private func bytes(ofFile path: String, orEmpty: Bool) throws -> [UInt8] {
    try Folder.status(path) == nil ? [] : TestSupport.bytes(ofFile: path)
}

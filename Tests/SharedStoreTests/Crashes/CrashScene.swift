import Blobs
import Files
import Objects
import ScriptedNode
import SharedStore
import Store
import StoreRules
import StoreTestSupport
import TestEngines
import TestSupport
import Testing

/// A shared store on a real database and a real object store, with one node of this process that goes on whatever becomes
/// of the node of another process.
struct CrashScene: Sendable {
    /// What one process can leave in the object store without a row when it dies: the objects of the largest upload.
    static let mostForgotten = 3

    let scene: SweepScene
    let ledger: CrashLedger
    /// The node that goes on.
    let other: SharedStore
    /// For the node that dies.
    let directions: NodeDirections
    /// Answers that the other node had ready when the script began.
    let ready: [String: ValidityToken]
    private let folder: TemporaryFolder

    /// Makes the store, and what was there before the script begins: leases to end, and what is there to be swept.
    ///
    /// - Parameter isLittered: whether there is an object that no row names, and that is old enough to go.
    init(isLittered: Bool) async throws {
        scene = try SweepScene(on: Engines.objects())
        guard let directions = scene.place.directions("dying") else { preconditionFailure("the objects are real") }
        self.directions = directions
        folder = try TemporaryFolder.inMemory()
        ledger = CrashLedger(path: folder.path("ledger"))
        other = try await scene.place.open("other", settings: NodeScript.settings, clock: scene.clock)
        do {
            try await Self.prepare(other, scene, isLittered: isLittered)
            scene.clock.pass(seconds: NodeScript.secondsBefore)
            var ready: [String: ValidityToken] = [:]
            for name in ["p", "q", "z"] { ready[name] = try await other.makeReady(name) }
            self.ready = ready
        } catch {
            await other.close()
            throw error
        }
    }

    private static func prepare(_ node: SharedStore, _ scene: SweepScene, isLittered: Bool) async throws {
        for (owner, name) in ["p", "q", "z", "n", "g"].enumerated() {
            try await node.upload(CrashBlob.bytes(name), owner: secret(owner + 1))
        }
        // A lease that is due, two blobs that nobody holds, one of them in several objects, an upload whose time is up.
        try await node.upload(CrashBlob.bytes("e"), owner: secret(6), lifetime: .days(1))
        try await node.revoke(on: CrashBlob.address("g"), owner: secret(5))
        for name in ["f", "v"] {
            let bytes = CrashBlob.bytes(name)
            let upload = try await node.create(bytes, owner: secret(7)).id
            for start in [0, 500] { try await node.bring(bytes[start..<start + 500], to: upload, at: Int64(start)) }
            if name == "f" { _ = try await node.finish(upload, at: 1000) }
        }
        try await node.revoke(on: CrashBlob.address("f"), owner: secret(7))
        guard isLittered else { return }
        let objects = try scene.place.openObjects()
        let bytes = content(50)
        try await objects.put(bytes, as: ObjectName(.new(at: scene.clock.wall)), digest: address(of: bytes))
        await objects.close()
    }

    // MARK: What is true at the other node

    /// What was acknowledged as ended is served by nobody: to be asked at once.
    func expectEnds(_ news: CrashNews, _ when: Comment) async throws {
        for (name, reason) in news.ended {
            if let token = ready[name] { #expect(!token.isCurrent, "\(name), \(when)") }
            let found = try await other.fetch(CrashBlob.address(name))
            #expect(found == .gone(reason), "\(name), \(when)")
        }
    }

    func expectHeld(_ names: some Sequence<String>, _ when: Comment) async throws {
        for name in names {
            guard case .held(let found) = try await other.fetch(CrashBlob.address(name)) else {
                Issue.record("\(name) is not held, \(when)")
                continue
            }
            #expect(address(of: found) == CrashBlob.address(name), "\(name), \(when)")
        }
    }

    /// Whoever sends the same bytes once more finds them taken.
    func sendAgain(_ names: some Sequence<String>, owner: Int, _ when: Comment) async throws {
        for name in names {
            try await other.upload(CrashBlob.bytes(name), owner: secret(owner), piece: 1 << 20)
            try await expectHeld([name], when)
        }
    }

    // MARK: In the end

    /// Once no more of the other process can come to the database, and a day later, one sweep leaves nothing amiss.
    func expectClean(searches: Bool, _ when: Comment) async throws {
        try await eventually { try connections() == 0 }
        // Of an upload that was made and not told of nobody knows; its time goes by.
        scene.clock.pass(seconds: SweepScene.day)
        let sweep = try await other.collect(CollectOptions(trustClock: true, searchesForOrphans: searches))
        #expect(sweep.hold == nil && sweep.orphansKept == nil && sweep.sweptBy == nil, when)
        let check = try await other.check()
        #expect(check.isClean && check.awaitingUpload == 0, "\(check.findings), \(when)")
        let strays = try await strays()
        #expect(strays.rows.isEmpty, "\(when)")
        #expect(strays.objects.count <= Self.mostForgotten, "\(when)")
        #expect(try strayRows().isEmpty, when)
        let open = try scene.number("SELECT count(*) FROM satchel.upload WHERE state = 1")
        #expect(try scene.count("garbage") == 0 && open == 0, when)
        #expect(try await other.quotaUsage(of: "somebody").uploads == 0, when)
        try scene.expectExactSums()
        guard searches else { return }
        // What was too young to be looked for.
        scene.clock.pass(seconds: 3 * SweepScene.day)
        let last = try await other.collect(CollectOptions(trustClock: true))
        #expect(last.orphansKept == nil && last.orphansRemoved == strays.objects.count, when)
        #expect(try await self.strays().objects.isEmpty, when)
    }

    /// Connections of the other process that the database knows.
    private func connections() throws -> Int {
        try scene.number("SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(directions.application)'")
    }

    private func strays() async throws -> (objects: Set<ObjectName>, rows: Set<ObjectName>) {
        let objects = try scene.place.openObjects()
        var found: Set<ObjectName> = []
        var last: String?
        repeat {
            let page = try await objects.list("v1/", after: last)
            found.formUnion(page.objects.compactMap { ObjectName(listed: $0.name) })
            last = page.isLast ? nil : page.objects.last?.name
        } while last != nil
        await objects.close()
        return try scene.strays(among: found)
    }

    /// Rows of what is no more.
    private func strayRows() throws -> [[String]] {
        try scene.place.ask(
            """
            SELECT 'object', id::text FROM satchel.object WHERE list NOT IN (
                SELECT object FROM satchel.blob WHERE listed UNION ALL SELECT id FROM satchel.garbage WHERE listed
                UNION ALL SELECT list FROM satchel.upload WHERE list IS NOT NULL)
            UNION ALL SELECT 'receipt', lease::text FROM satchel.receipt WHERE lease NOT IN (SELECT id FROM satchel.lease)
            UNION ALL SELECT 'hash', lease::text FROM satchel.receipt_hash WHERE lease NOT IN (
                SELECT id FROM satchel.lease)
            UNION ALL SELECT 'lease', l.id::text FROM satchel.lease l LEFT JOIN satchel.blob b USING (address)
            WHERE b.address IS NULL
            """)
    }

    func close() async { await other.close() }

    /// Starts the other process. It ends with the object that is returned.
    func begin(
        _ script: NodeOrder.Script, at point: FaultPoint, number: Int = 1, searches: Bool = false
    ) throws -> PipedProcess {
        let order = NodeOrder(
            script, at: point, number: number, searches: searches, directions: directions, ledger: ledger)
        let process = try PipedProcess([Products.path("ScriptedNode")])
        try process.writeLine(order.line)
        return process
    }
}

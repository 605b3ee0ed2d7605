import Blobs
import Files
import Glibc
import ScriptedNode
import SharedStore
import Store
import StoreTestSupport
import TestEngines
import TestSupport
import Testing

/// Nodes that are killed, while another node of the same store goes on.
@Suite(.enabled(if: Engines.hasPostgres && Engines.hasObjects, "\(Engines.noSharedStore)")) struct NodeCrashTests {
    /// How many processes die side by side.
    private static let width = 6
    private static let isLong = unsafe getenv("SATCHEL_SOAK") != nil
    /// Points that are come by as time goes, and not for what the script does.
    private static let byTime: Set<FaultPoint> = [.nodeBeaten, .changesHeard]
    /// Those of the search for orphans.
    private static let ofSearch: Set<FaultPoint> = [.forgottenRemoved, .hourNoted]

    /// Where one process dies.
    private struct Death {
        let point: FaultPoint
        let number: Int

        var searches: Bool { NodeCrashTests.isLong || NodeCrashTests.ofSearch.contains(point) }
        var when: Comment { "killed when it came by \(point) for the time \(number)" }
    }

    @Test func `killed behind any durable step, a node takes nothing along that it acknowledged, and another goes on`()
        async throws
    {
        let counts = try await Self.cleanRun()
        #expect(Set(counts.keys) == FaultPoint.apart, "the script comes by every point")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, death) in Self.deaths(counts).enumerated() {
                if place >= Self.width { try await group.next() }
                group.addTask { try await Self.crash(death) }
            }
            try await group.waitForAll()
        }
    }

    /// A time in the midst of those of each point, or all.
    private static func deaths(_ counts: [FaultPoint: Int]) -> [Death] {
        FaultPoint.allCases.flatMap { point -> [Death] in
            guard let count = counts[point] else { return [] }
            // How often these come depends on the machine, but no less often than this.
            let last = byTime.contains(point) ? (point == .changesHeard ? 3 : 1) : count
            let numbers = isLong ? Array(1...last) : [(last + 1) / 2]
            return numbers.map { Death(point: point, number: $0) }
        }
    }

    private static func cleanRun() async throws -> [FaultPoint: Int] {
        let scene = try await CrashScene(isLittered: true)
        let points = ComingsBy()
        try await NodeScript(directions: scene.directions, ledger: scene.ledger, searches: true).run(points)
        let news = try CrashNews(scene.ledger)
        #expect(news.lines.isSuperset(of: ["swept", "checked", "refused t", "banned z", "held L"]))
        try await expectTruth(news, scene, searches: true, "nothing was killed")
        await scene.close()
        return points.all
    }

    private static func crash(_ death: Death) async throws {
        let scene = try await CrashScene(isLittered: death.searches)
        let process = try scene.begin(.all, at: death.point, number: death.number, searches: death.searches)
        let status = try await eventually { process.status }
        let lines = try scene.ledger.lines
        // How often a point is come by differs a little from run to run: one that did not come to its last time has ended.
        #expect(status == SIGKILL || status == 0 && isLong, "\(death.when): \(lines)")
        try await expectTruth(CrashNews(scene.ledger), scene, searches: death.searches, death.when)
        await scene.close()
    }

    private static func expectTruth(
        _ news: CrashNews, _ scene: CrashScene, searches: Bool, _ when: Comment
    ) async throws {
        try await scene.expectEnds(news, when)
        try await scene.expectHeld(news.held, when)
        try await expectLives(news, scene.other, when)
        try await expectOffsets(news, scene, when)
        try await scene.sendAgain(["a", "b", "r", "p"], owner: 30, when)
        if news.lines.contains("sending L"), !news.held.contains(CrashBlob.large) {
            try await scene.sendAgain([CrashBlob.large], owner: 30, when)
        }
        if news.lines.contains("banned z") {
            await #expect(throws: StoreError.banned, when) { try await scene.other.upload(CrashBlob.bytes("z")) }
        }
        try await scene.expectClean(searches: searches, when)
    }

    /// What the ledger says of words, renewals and forwards is so.
    private static func expectLives(_ news: CrashNews, _ node: SharedStore, _ when: Comment) async throws {
        if news.lines.contains("forwarded a") {
            let lease = try await node.lease(on: CrashBlob.address("a"), owner: secret(15))
            #expect(lease.state == .held, when)
            if news.lines.contains("received a") { #expect(lease.received.count == 1, when) }
        }
        if let expiry = news.number(after: "renewed n") {
            let lease = try await node.lease(on: CrashBlob.address("n"), owner: secret(4))
            #expect(lease.expires.seconds == expiry, when)
            #expect(lease.expires < lease.created.advanced(by: .days(30)), when)
        }
    }

    /// Every offset that was told is there, and from there on the upload comes to its blob.
    private static func expectOffsets(_ news: CrashNews, _ scene: CrashScene, _ when: Comment) async throws {
        let node = scene.other
        for (name, id) in news.uploads {
            if name == "s", news.lines.contains("cancelling s") {
                if news.lines.contains("cancelled s") {
                    await #expect(throws: StoreError.notFound, when) { _ = try await node.upload(id) }
                }
                try? await node.cancel(id)
                continue
            }
            let upload = try await node.upload(id)
            #expect(upload.offset >= news.told[name] ?? 0, "\(name), \(when)")
            if name == "t" {
                if news.lines.contains("refused t") { #expect(upload.refusal != nil, when) }
                if upload.isOpen { try await node.cancel(id) }
                continue
            }
            let bytes = CrashBlob.bytes(name)
            if upload.isOpen {
                let session = try await node.session(id, at: upload.offset)
                try await session.append(Array(bytes[Int(upload.offset)...]))
                _ = try await session.commit()
            }
            #expect(try await node.upload(id).blob?.address == CrashBlob.address(name), when)
            try await scene.expectHeld([name], when)
        }
    }
}

import Blobs
import Files
import Glibc
import ScriptedNode
import Store
import StoreRules
import StoreTestSupport
import TestEngines
import TestSupport
import Testing

@testable import SharedStore

/// Nodes that stop in the midst of something and go on after others have done without them.
@Suite(.enabled(if: Engines.hasPostgres && Engines.hasObjects, "\(Engines.noSharedStore)")) struct NodeStopTests {
    /// How many processes stand still side by side.
    private static let width = 8
    private static let isLong = unsafe getenv("SATCHEL_SOAK") != nil
    private static let ofSweep: Set<FaultPoint> = [
        .dueRemoved, .passWritten, .passNoted, .garbageRemoved, .garbageForgotten, .forgottenRemoved, .hourNoted,
    ]

    private static var points: [FaultPoint] {
        isLong
            ? FaultPoint.apart.sorted { $0.rawValue < $1.rawValue }
            : [.objectPut, .turnTaken, .sharedRowsQueued, .sharedCommitSent, .garbageRemoved, .passWritten]
    }

    @Test func `stopped behind a step, a node does no harm when it goes on, and says nothing that is not true by then`()
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, point) in Self.points.enumerated() {
                if place >= Self.width { try await group.next() }
                group.addTask { try await stop(behind: point) }
            }
            try await group.waitForAll()
        }
    }

    private func stop(behind point: FaultPoint) async throws {
        let searches = point == .forgottenRemoved || point == .hourNoted
        let scene = try await CrashScene(isLittered: searches)
        let process = try scene.begin(.stop, at: point)
        do {
            try await eventually {
                if process.status != nil { throw Unexpected(what: "it has ended: \(try scene.ledger.lines)") }
                return process.isStopped
            }
            try await doWithout(process, scene, point)
            process.send(SIGCONT)
            try await eventually {
                if process.status != nil { throw Unexpected(what: "it has ended: \(try scene.ledger.lines)") }
                return try scene.ledger.lines.contains("over")
            }
            try await expectTruth(scene, point)
            process.send(SIGKILL)
            #expect(try await eventually { process.status } == SIGKILL)
            try await scene.expectClean(searches: searches, "stopped behind \(point)")
        } catch {
            await scene.close()
            throw error
        }
        await scene.close()
    }

    /// The other node goes on while one stands still.
    private func doWithout(_ process: PipedProcess, _ scene: CrashScene, _ point: FaultPoint) async throws {
        let other = scene.other
        // While it counts as alive, an end is acknowledged once it believes nothing any more.
        try await other.revoke(on: CrashBlob.address("p"), owner: secret(1))
        #expect(try await other.fetch(CrashBlob.address("p")) == .gone(.revoked))
        try await takeOver(scene, point)
        try await scene.sendAgain(["x", "g"], owner: 50, "\(point)")
        // And later it counts as gone, and nobody waits for it.
        try await eventually { other.ends.isAlone }
        _ = try await other.remove(RemoveOptions(address: CrashBlob.address("q"), action: .takeDown))
        #expect(try await other.fetch(CrashBlob.address("q")) == .gone(.removed))
        if Self.ofSweep.contains(point) {
            let report = try await other.collect(
                CollectOptions(trustClock: true, searchesForOrphans: false, isRoutine: true))
            #expect(report.sweptBy == "dying", "\(point)")
            // A minute after the node has kept its duty it is another's.
            if !Self.isLong { try scene.scene.place.ask("UPDATE satchel.duty SET until = clock_timestamp()") }
        }
        try await eventually {
            let report = try await other.collect(
                CollectOptions(trustClock: true, searchesForOrphans: false, isRoutine: true))
            #expect(report.hold == nil && report.orphansKept == nil, "\(point)")
            return report.sweptBy == nil
        }
        #expect(process.isStopped, "nobody has woken it")
    }

    /// The client of the upload comes to the other node.
    private func takeOver(_ scene: CrashScene, _ point: FaultPoint) async throws {
        guard let id = try CrashNews(scene.ledger).uploads.first?.id else { throw Unexpected(what: "there is none") }
        if point == .uploadDropped {
            await #expect(throws: StoreError.notFound) { _ = try await scene.other.upload(id) }
            return
        }
        let upload = try await scene.other.upload(id)
        #expect(upload.offset >= StopScript.told)
        if point == .uploadRefused {
            #expect(upload.refusal != nil)
            return
        }
        if upload.isOpen {
            let session = try await scene.other.session(id, at: upload.offset)
            try await session.append(Array(CrashBlob.bytes("w")[Int(upload.offset)...]))
            _ = try await session.commit()
        }
        try await scene.expectHeld(["w"], "\(point)")
    }

    /// What the node said once it went on is true, and what others had done meanwhile stands.
    private func expectTruth(_ scene: CrashScene, _ point: FaultPoint) async throws {
        let news = try CrashNews(scene.ledger)
        let when: Comment = "stopped behind \(point): \(news.lines)"
        #expect(news.lines.isSuperset(of: ["forgot p", "forgot q"]), when)
        #expect(news.lines.isDisjoint(with: ["serves p", "serves q"]), when)
        try await scene.expectHeld(news.held.union(["x", "g", "y"]), when)
        if news.held.contains("x") {
            #expect(try await scene.other.lease(on: CrashBlob.address("x"), owner: secret(41)).state == .held, when)
        }
        #expect(try await scene.other.lease(on: CrashBlob.address("y"), owner: secret(43)).state == .held, when)
        #expect(try await scene.other.fetch(CrashBlob.address("p")) == .gone(.revoked), when)
        #expect(try await scene.other.fetch(CrashBlob.address("q")) == .gone(.removed), when)
        guard let id = news.uploads.first?.id, ![.uploadDropped, .uploadRefused].contains(point) else { return }
        // It moved before it stopped, or not at all.
        if point != .uploadMoved { #expect(news.number(after: "moved w") == nil, when) }
        let upload = try await scene.other.upload(id)
        #expect(upload.blob?.address == CrashBlob.address("w") && upload.offset == 300_000, when)
        try await scene.expectHeld(["w"], when)
    }
}

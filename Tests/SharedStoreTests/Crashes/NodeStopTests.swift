import Blobs
import Files
import Glibc
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import TestEngines
import TestSupport
import Testing

@testable import SharedStore

/// Nodes that stop in the midst of something and go on after others have done without them.
@Suite(.enabled(if: Engines.hasPostgres && Engines.hasObjects, "\(Engines.noSharedStore)")) struct NodeStopTests {
    private static let isLong = unsafe getenv("SATCHEL_SOAK") != nil
    private static let ofSweep: Set<FaultPoint> = [
        .dueRemoved, .passWritten, .passNoted, .garbageRemoved, .garbageForgotten, .forgottenRemoved, .hourNoted,
    ]

    static var points: [FaultPoint] {
        isLong
            ? FaultPoint.apart.sorted { $0.rawValue < $1.rawValue }
            : [.objectPut, .turnTaken, .sharedRowsQueued, .sharedCommitSent, .garbageRemoved, .passWritten]
    }

    @Test(arguments: points)
    func `stopped behind a step, a node does no harm when it goes on, and says nothing that is not true by then`(
        point: FaultPoint
    ) async throws {
        let searches = point == .forgottenRemoved || point == .hourNoted
        let scene = try await CrashScene(isLittered: searches)
        do {
            try await withStoppedProcess(scene, at: point) { process in
                try await doWithout(process, scene, point)
                process.goOn()
                try await eventually {
                    try process.expectLife()
                    return try scene.ledger.lines.contains("over")
                }
                try await expectTruth(scene, point)
            }
            try await scene.expectClean(searches: searches, "stopped behind \(point)")
        } catch {
            await scene.close()
            throw error
        }
        await scene.close()
    }

    /// A process that runs a `StopScript`.
    private final class ScriptProcess: Sendable {
        private let ledger: CrashLedger
        /// Whether it has ended, however that came.
        let isOver = Atomic(false)
        private let wasKilled = Atomic(false)

        init(_ ledger: CrashLedger) {
            self.ledger = ledger
        }

        private var identifier: Int32? { try? CrashNews(ledger).number(after: "process").map { Int32($0) } }

        /// Whether all of it stands still (proc_pid_stat(5)).
        var isStopped: Bool {
            guard let identifier, let file = try? bytes(ofFile: "/proc/\(identifier)/stat") else { return false }
            // The state stands behind the name, which is in brackets.
            return String(decoding: file, as: UTF8.self).split(separator: ")").last?.hasPrefix(" T ") ?? false
        }

        func expectLife() throws {
            if isOver.load(ordering: .acquiring) { throw Unexpected(what: "the script ended: \(try ledger.lines)") }
        }

        func goOn() { send(SIGCONT) }

        func end() { send(SIGKILL) }

        private func send(_ signal: Int32) {
            // A process that has ended may have given its number away.
            if !isOver.load(ordering: .acquiring), let identifier { kill(identifier, signal) }
        }
    }

    /// Runs `body` while the process stands still, and ends the process whatever comes of it.
    private func withStoppedProcess(
        _ scene: CrashScene, at point: FaultPoint, _ body: (ScriptProcess) async throws -> Void
    ) async throws {
        let process = ScriptProcess(scene.ledger)
        let (directions, path, name) = (scene.directions, scene.ledger.path, point.rawValue)
        async let end: Void = {
            await #expect(processExitsWith: .signal(SIGKILL), "stopped behind \(name)") {
                [directions = directions as NodeDirections, path = path as String, name = name as String] in
                guard let point = FaultPoint(rawValue: name) else { return }
                try await StopScript(directions: directions, ledger: CrashLedger(path: path), point: point).run()
            }
            process.isOver.store(true, ordering: .releasing)
        }()
        let result: Result<Void, any Error>
        do {
            try await eventually {
                try process.expectLife()
                return process.isStopped
            }
            try await body(process)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        // Until it has a number it cannot be ended, and gets one soon.
        _ = try? await eventually {
            process.end()
            return process.isOver.load(ordering: .acquiring)
        }
        await end
        try result.get()
    }

    /// The other node goes on while one stands still.
    private func doWithout(_ process: ScriptProcess, _ scene: CrashScene, _ point: FaultPoint) async throws {
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
            #expect(report.sweptBy == "dying")
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

import Blobs
import Files
import Glibc
import SharedStore
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import TestSupport

/// What a node does that stops itself in the midst, as a machine does that sleeps or moves, and goes on long after.
///
/// It has answers ready, an upload over several requests at half, and comes by the chosen point then. Whatever it says once
/// it goes on must be true by then. It stays until it is killed.
package struct StopScript: Sendable {
    let directions: NodeDirections
    let ledger: CrashLedger
    /// Where it stops.
    let point: FaultPoint

    /// For how long it waits for the database, and so for how long it holds rows at most.
    static let patienceSeconds = 60
    /// Bytes of the upload `w` that its client was told of when the node stops.
    package static let told: Int64 = 100_000
    /// Those that have come then.
    static let brought: Int64 = 150_000

    /// Stops the process once, as soon as it is wanted, and looks at once at what is ready when it goes on.
    private final class Stop: Sendable {
        private let point: FaultPoint
        private let ledger: CrashLedger
        private let tokens = Mutex<[String: ValidityToken]?>(nil)
        private let isOver = Atomic(false)

        init(_ point: FaultPoint, _ ledger: CrashLedger) {
            self.point = point
            self.ledger = ledger
        }

        var points: ComingsBy {
            ComingsBy { [self] point, _ in
                guard point == self.point, let tokens = tokens.withLock({ $0.take() }) else { return }
                // Behind this call it goes on.
                raise(SIGSTOP)
                for (name, token) in tokens { try? ledger.note(token.isCurrent ? "serves \(name)" : "forgot \(name)") }
                isOver.store(true, ordering: .releasing)
            }
        }

        /// From now on it stops.
        func want(looking tokens: [String: ValidityToken]) { self.tokens.withLock { $0 = tokens } }

        var hasGoneOn: Bool { isOver.load(ordering: .acquiring) }
    }

    func run() async throws {
        let stop = Stop(point, ledger)
        let clock = TestClock()
        clock.pass(seconds: NodeScript.secondsBefore)
        let node = try await directions.open(
            settings: NodeScript.settings, clock: clock, patienceSeconds: Self.patienceSeconds,
            faults: stop.points.faults)
        let whole = CrashBlob.bytes("w")
        let id = try await node.create(whole, owner: secret(40)).id
        try await node.bring(whole[..<Int(Self.told)], to: id, at: 0)
        try ledger.note("made w \(id.hex)")
        let session = try await node.session(id, at: Self.told)
        try await session.append(Array(whole[Int(Self.told)..<Int(Self.brought)]))
        var tokens: [String: ValidityToken] = [:]
        for name in ["p", "q"] { tokens[name] = try await node.makeReady(name) }
        stop.want(looking: tokens)
        do { try await act(on: node, id, session) } catch { try ledger.note("failed \(error)") }
        // What comes by itself comes in its time.
        try await eventually { stop.hasGoneOn }
        try await goOn(node, session)
        while true { try await Task.sleep(for: .seconds(1)) }
    }

    /// Comes by the point, and notes what it is told.
    private func act(on node: SharedStore, _ id: UploadID, _ session: any ResumableSession) async throws {
        switch point {
        case .uploadAdmitted, .bytesSpooled, .objectPut, .sharedPageLoaded, .sharedPageJudged, .sharedRowsQueued,
            .sharedCommitSent, .sharedCommitAnswered, .uploadCommitted:
            try await node.upload(CrashBlob.bytes("x"), owner: secret(41))
            try ledger.note("held x")
        case .uploadCreated: _ = try await node.create(CrashBlob.bytes("r"), owner: secret(42))
        case .turnTaken:
            let next = try await node.session(id, at: Self.brought)
            try await next.append(Array(CrashBlob.bytes("w")[Int(Self.brought)..<200_000]))
            try ledger.note("moved w \(try await next.pause().offset)")
        case .uploadMoved: try ledger.note("moved w \(try await session.pause().offset)")
        case .uploadFinished:
            try await session.append(Array(CrashBlob.bytes("w")[Int(Self.brought)...]))
            _ = try await session.commit()
            try ledger.note("held w")
        case .uploadRefused:
            try await session.append(Array(repeating: 1, count: 150_000))
            _ = try await session.commit()
        case .uploadDropped:
            try await node.cancel(id)
            try ledger.note("cancelled w")
        case .dueRemoved, .passWritten, .passNoted, .garbageRemoved, .garbageForgotten, .forgottenRemoved, .hourNoted:
            let searches = point == .forgottenRemoved || point == .hourNoted
            let report = try await node.collect(
                CollectOptions(trustClock: true, searchesForOrphans: searches, isRoutine: true))
            try ledger.note(report.sweptBy == nil ? "swept" : "left to another")
        default: break
        }
    }

    /// Goes on with what it had in its hands, and then as any node does.
    private func goOn(_ node: SharedStore, _ session: any ResumableSession) async throws {
        do { try ledger.note("moved w \(try await session.pause().offset)") } catch {
            try ledger.note("lost w \(error)")
        }
        for name in ["p", "q"] {
            let found = try await answered { try await node.fetch(CrashBlob.address(name)) }
            if case .held = found { try ledger.note("serves \(name)") }
        }
        _ = try await answered { try await node.upload(CrashBlob.bytes("y"), owner: secret(43)) }
        try ledger.note("held y")
        try ledger.note("over")
    }

    /// The answer to what may be asked again, once the database has one: connections have to be made anew.
    private func answered<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await eventually {
            do { return try await body() } catch let error as StoreError {
                switch error {
                case .unavailable, .outcomeUnknown: return nil
                default: throw error
                }
            }
        }
    }
}

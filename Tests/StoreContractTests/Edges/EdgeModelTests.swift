import BlobFiles
import Blobs
import Files
import Glibc
import Store
import StoreTestSupport
import Synchronization
import TestSupport
import Testing
import Tickets

@testable import CacheFolder
@testable import Edge

/// Reads by chance, while leases come and go, the feed and the way to the origin are cut, and the edge begins anew:
/// whatever an edge says, the model allows.
@Suite(.timeLimit(.minutes(30))) struct EdgeModelTests {
    private static var seeds: [UInt64] { Array(1...(unsafe getenv("SATCHEL_SOAK") == nil ? 8 : 100)) }

    /// - Parameter edges: those behind the edge which is read from; what is between these is never cut.
    @Test(arguments: [(0, true), (0, false), (1, true), (1, false)], seeds)
    func `an edge says nothing that the model does not allow`(
        way: (edges: Int, followsChanges: Bool), seed: UInt64
    ) async throws {
        let kind = ReadKind(store: .memory, edges: way.edges, followsChanges: way.followsChanges)
        var fixture = try StoreFixture(.memory)
        fixture.settings.maximumLifetime = .days(3)
        try await fixture.withReads(kind, isWatched: true) { scene async throws in
            let walk = try await EdgeWalk(scene, seed: seed)
            do { try await walk.take(steps: 60) } catch {
                await walk.end()
                Issue.record("seed \(seed): \(error), after \(walk.story)")
                return
            }
            await walk.end()
        }
    }
}

/// Steps taken by chance with an edge and in the model at once.
private final class EdgeWalk {
    private enum Step {
        case whole, range, head, again, upload, renew, revoke, takeDown, pass, unfollow, follow, cut, mend, silence,
            lose
        case restart, spoil
    }

    /// How often each comes.
    private static let steps: [Step] = [
        (Step.whole, 16), (.range, 8), (.head, 4), (.again, 2), (.upload, 8), (.renew, 6), (.revoke, 6), (.takeDown, 1),
        (.pass, 12), (.unfollow, 2), (.follow, 4), (.cut, 3), (.mend, 5), (.silence, 2), (.lose, 2), (.restart, 4),
        (.spoil, 4),
    ].flatMap { Array(repeating: $0, count: $1) }
    /// Two that are verified before their first byte, and one that is served as it comes. The server of the origin has
    /// none of them in memory.
    private static let sizes = [40_000, 200_000, 450_000]

    private let scene: ReadScene
    private let blobs: [(address: BlobAddress, bytes: [UInt8])]
    private let cable: Cable
    private let server: ServedStore
    private let folder: TemporaryFolder
    private let key: EdgeKey?
    /// Nil only between two.
    private var opened: EdgeStore?
    private var upkeep: RunningServices?
    private var reader: RunningServices?

    private var model = EdgeModel(age: EdgeStore.testedAge)
    private var random: SeededGenerator
    private(set) var story: [String] = []
    private var owners = 0
    /// How often the machine of the edge has been started.
    private var boots = 1
    /// Those with a live lease.
    private var live: [BlobAddress: [Int]] = [:]
    /// Whether the edge cannot be told what has changed lately, since it knows no position of the feed, or none that the
    /// origin knows.
    private var isLost = true
    /// Blobs of which the origin has sent wrong bytes since the edge began: a second time it would be left alone.
    private var spoiled: Set<BlobAddress> = []
    /// Those of which wrong bytes may be among what has come, until somebody reads all of it.
    private var doubtful: Set<BlobAddress> = []
    /// What a reader may have kept.
    private var kept: (blob: HeldBlob, validity: ValidityToken)?

    init(_ scene: ReadScene, seed: UInt64) async throws {
        self.scene = scene
        random = SeededGenerator(seed: seed)
        blobs = Self.sizes.enumerated().map { index, size in
            let bytes = content(Int(seed) * 10 + index, count: size)
            return (StoreTestSupport.address(of: bytes), bytes)
        }
        let key = EdgeKey.random()
        self.key = scene.kind.followsChanges ? key : nil
        if let last = scene.edges.last {
            server = try await ServedStore(last, changes: last, key: key)
        } else {
            server = try await ServedStore(scene.watched ?? scene.store, changes: scene.store, key: key)
        }
        cable = try await Cable(to: server.port)
        folder = try TemporaryFolder.inMemory()
        try await open()
    }

    private var edge: EdgeStore {
        guard let opened else { preconditionFailure("the edge is open") }
        return opened
    }

    /// Opens the edge once nobody has its cache any more.
    private func open() async throws {
        let edge: EdgeStore = try await eventually {
            do throws(CacheFolderError) {
                return try EdgeStore.open(in: folder, origin: cable.port, key: key, clock: clock, boot: "\(boots)")
            } catch {
                guard case .inUse = error else { throw error }
                return nil
            }
        }
        opened = edge
        upkeep = RunningServices([EdgeUpkeep(store: edge, logger: StoreFixture.quiet)])
    }

    private func close() async {
        await unfollow()
        await upkeep?.stop()
        await opened?.close()
        (opened, upkeep, kept) = (nil, nil, nil)
    }

    func end() async {
        await close()
        await cable.remove()
        await server.stop()
    }

    private var now: Timestamp { edge.now() }
    private var clock: TestClock { scene.fixture.clock }
    private var isHearing: Bool { reader != nil && model.isReachable }

    private func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    func take(steps count: Int) async throws {
        for _ in 0..<count {
            let (step, index) = (pick(Self.steps), Int.random(in: blobs.indices, using: &random))
            story.append("\(step) \(index) at \(now.seconds - 1_800_000_000)")
            try await take(step, blobs[index].address, blobs[index].bytes)
            judgeKept()
        }
    }

    private func take(_ step: Step, _ blob: BlobAddress, _ bytes: [UInt8]) async throws {
        switch step {
        case .whole: try await readWhole(blob, bytes, for: .whole)
        case .again: try await readWhole(blob, bytes, for: .again)
        case .range: try await readRange(blob, bytes)
        case .head: _ = try await find(blob, for: .head)
        case .upload, .renew, .revoke, .takeDown:
            try await change(step, blob, bytes)
            // Half of the time somebody reads before the edge has heard of it.
            if pick([true, false]) { try await readWhole(blob, bytes, for: .whole) }
            if isHearing { try await hear() }
        case .pass: clock.pass(seconds: pick([1, 1, 60, 150, 299, 300, 301, 3600, 86_400]))
        case .unfollow: await unfollow()
        case .follow: if reader == nil { try await follow() }
        case .cut: try await cut()
        case .mend: try await mend()
        case .silence: try await awaitSilence()
        case .lose: try await lose()
        case .restart: try await restart()
        case .spoil: try await spoil(blob, bytes)
        }
    }

    // MARK: Leases

    private func change(_ step: Step, _ blob: BlobAddress, _ bytes: [UInt8]) async throws {
        let (store, lifetime) = (scene.store, pick([seconds(200), seconds(400), .days(1), .days(2)]))
        if model.truth(blob, at: store.now()).isEnded { live[blob] = nil }
        let owner = live[blob].map { pick($0) }
        switch step {
        case .upload:
            owners += 1
            live[blob, default: []].append(owners)
            try await store.upload(bytes, owner: secret(owners), lifetime: lifetime)
        case .renew:
            guard let owner else { return }
            // One of several may have ended by itself.
            _ = try? await store.renew(on: blob, owner: secret(owner), lifetime: lifetime, subject: nil)
        case .revoke:
            guard let owner else { return }
            live[blob]?.removeAll { $0 == owner }
            if live[blob]?.isEmpty == true { live[blob] = nil }
            try await store.revoke(on: blob, owner: secret(owner))
        default:
            live[blob] = nil
            _ = try await store.remove(RemoveOptions(address: blob, action: .takeDown))
        }
        model.state(try await store.find(blob).word, of: blob, at: store.now())
        if key != nil { try await scene.edges.hear(store.changes) }
    }

    // MARK: Reads

    /// Looks for a blob, and judges what is found; the content where it is held.
    private func find(
        _ blob: BlobAddress, for intent: ReadIntent, mayFail: Bool = false
    ) async throws -> HeldBlob? {
        let validity = edge.validity(of: blob)
        let finding = try await edge.find(blob, for: intent)
        let isAllowed = model.allows(finding.word, of: blob, at: now) || mayFail && finding.word == .none
        try #require(isAllowed, "\(finding) for \(intent), truth \(model.truth(blob, at: now))")
        guard case .held(let held) = finding else { return nil }
        if held.isComplete { kept = (held, validity) }
        return held
    }

    private func readWhole(_ blob: BlobAddress, _ bytes: [UInt8], for intent: ReadIntent) async throws {
        try await readWhole(blob, bytes, for: intent, isSpoiled: false)
    }

    private func readWhole(
        _ blob: BlobAddress, _ bytes: [UInt8], for intent: ReadIntent, isSpoiled: Bool
    ) async throws {
        let mayFail = isSpoiled || doubtful.contains(blob)
        guard let held = try await find(blob, for: intent, mayFail: mayFail) else {
            if isFetchable(blob) { doubtful.remove(blob) }
            return
        }
        do {
            let all = try #require(ByteRange(offset: 0, count: held.size, within: held.size))
            let read = try await held.content.read(all)
            try #require(read == bytes, "all bytes of a complete answer are right")
        } catch let error as StoreError {
            // What goes while it comes is cut.
            try #require(mayFail || !isFetchable(blob), "held, and \(error)")
            if isFetchable(blob) { doubtful.remove(blob) }
            return
        }
        // Whoever complains may read past the edge.
        guard intent == .whole else { return }
        doubtful.remove(blob)
        guard isFetchable(blob) else { return }
        // The file has its name by now, or will have soon; until all files have been looked through it may lose it.
        let entry = try await eventually {
            edge.cache.isReconciled.load(ordering: .acquiring) ? edge.cache.entry(of: blob) : nil
        }
        let file = edge.cache.folder.files.folders.blob(blob)
        if !entry.isMarked, try Folder.status(file) != nil {
            model.keep(blob, checked: entry.checked, sunset: entry.sunset)
        }
    }

    private func readRange(_ blob: BlobAddress, _ bytes: [UInt8], isSpoiled: Bool = false) async throws {
        let start = Int.random(in: bytes.indices, using: &random)
        let end = Int.random(in: start..<bytes.count, using: &random) + 1
        let mayFail = isSpoiled || doubtful.contains(blob)
        let intent = Bool.random(using: &random) ? ReadIntent.ranges : .range(Int64(start)..<Int64(end))
        guard let held = try await find(blob, for: intent, mayFail: mayFail) else { return }
        do {
            let range = try #require(ByteRange(offset: Int64(start), count: Int64(end - start), within: held.size))
            let part = try await held.content.read(range, for: .ranges)
            // No digest covers a part that is on its way.
            try #require(mayFail || part == Array(bytes[start..<end]), "the bytes of a range are right")
        } catch let error as StoreError {
            try #require(mayFail || !isFetchable(blob), "held, and \(error)")
        }
    }

    /// Whether the origin has the blob and can be asked.
    private func isFetchable(_ blob: BlobAddress) -> Bool {
        guard model.isReachable, case .held = model.truth(blob, at: now) else { return false }
        return true
    }

    /// The origin sends one wrong bit, if it is asked.
    private func spoil(_ blob: BlobAddress, _ bytes: [UInt8]) async throws {
        // An edge in between would take them for its own.
        guard scene.edges.isEmpty, let watched = scene.watched, !spoiled.contains(blob) else { return }
        watched.spoil(blob)
        let isWhole = pick([true, false])
        if isWhole {
            try await readWhole(blob, bytes, for: .whole, isSpoiled: true)
        } else {
            try await readRange(blob, bytes, isSpoiled: true)
        }
        guard watched.endSpoiling(blob) else { return }
        spoiled.insert(blob)
        if !isWhole { doubtful.insert(blob) }
        if isWhole { try await readWhole(blob, bytes, for: .whole) }
    }

    /// As long as its token is current, what was kept is served without a look.
    private func judgeKept() {
        guard let kept, kept.blob.freshUntil > now, kept.validity.isCurrent else { return }
        #expect(
            model.allows(.held(until: kept.blob.sunset), of: kept.blob.address, at: now),
            "kept of \(kept.blob.address.abbreviated): \(story)")
    }

    // MARK: The feed and the way to the origin

    private func hear() async throws {
        try await (scene.edges + [edge]).hear(scene.store.changes)
        model.hear(losingThread: isLost)
        isLost = false
    }

    private func startReader() {
        guard let feed = edge.feed else { return }
        reader = RunningServices([FeedReader(store: edge, feed: feed, logger: StoreFixture.quiet)])
    }

    private func unfollow() async {
        await reader?.stop()
        reader = nil
    }

    private func follow() async throws {
        startReader()
        if isHearing { try await hear() }
    }

    private func cut() async throws {
        let isFollowing = reader != nil
        // Nothing that is on its way arrives later than this.
        await unfollow()
        await cable.cut()
        model.cut(at: now)
        if isFollowing { startReader() }
    }

    private func mend() async throws {
        cable.mend()
        model.mend()
        guard reader != nil else { return }
        // Its next try may be seconds away.
        await unfollow()
        try await follow()
    }

    /// Waits until the edge no longer relies on the feed.
    private func awaitSilence() async throws {
        guard !isHearing else { return }
        try await eventually { !edge.knowsAllChanges }
        model.isTrusting = false
    }

    /// The origin forgets what it told, and what it would tell next is missed.
    private func lose() async throws {
        guard key != nil else { return }
        scene.store.changes.startOver()
        isLost = true
        let (blob, bytes) = pick(blobs)
        try await change(pick([.revoke, .renew]), blob, bytes)
        if isHearing { try await hear() }
    }

    // MARK: Restarts

    private func restart() async throws {
        let isFollowing = reader != nil
        await close()
        if pick([true, false, false]) { boots += 1 }
        // Somebody may have ended it before it could save what it has.
        if pick([true, false, false]) {
            try Folder.remove(folder.path("cache/index"))
            isLost = true
        }
        try await open()
        model.restart()
        (spoiled, doubtful) = ([], [])
        if isFollowing { try await follow() }
    }
}

extension FoundWord {
    /// Whether there is no lease on it.
    fileprivate var isEnded: Bool { if case .held = self { false } else { true } }
}

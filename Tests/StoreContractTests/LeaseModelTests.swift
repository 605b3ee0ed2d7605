import Blobs
import Glibc
import Store
import StoreTestSupport
import TestSupport
import Testing

/// Leases by chance: whatever is asked for in whatever order, and wherever the clocks go, the store says what the model
/// says.
@Suite(.timeLimit(.minutes(30))) struct LeaseModelTests {
    private static var seeds: [UInt64] { Array(1...(unsafe getenv("SATCHEL_SOAK") == nil ? 16 : 600)) }

    @Test(arguments: StoreKind.all(with: seeds)) func `a store answers as the model does`(kind: StoreKind, seed: UInt64)
        async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.tombstoneLifetime = .days(36_500)
        fixture.settings.maximumLifetime = .days(3)
        fixture.settings.defaultLifetime = .days(2)
        var walk = Walk(fixture: fixture, seed: seed)
        for _ in 0..<4 {
            let store = try await fixture.open()
            do { try await walk.take(steps: 25, [store]) } catch {
                await store.close()
                throw error
            }
            await store.close()
            try fixture.expectExactCharges()
        }
    }

    /// Each step is taken at one of them, and then all are asked at once: what one has ended is over at the others.
    @Test(
        .enabled(if: StoreKind.allCases.contains(.shared), "takes PostgreSQL"), arguments: seeds.prefix(seeds.count / 4)
    )
    func `three nodes of one store answer as the model does, whichever is asked`(seed: UInt64) async throws {
        var fixture = try StoreFixture(.shared)
        fixture.settings.tombstoneLifetime = .days(36_500)
        fixture.settings.maximumLifetime = .days(3)
        fixture.settings.defaultLifetime = .days(2)
        var walk = Walk(fixture: fixture, seed: seed)
        try await fixture.withNodes(3) { nodes in try await walk.take(steps: 60, nodes) }
        try fixture.expectExactCharges()
    }
}

/// Steps taken by chance in a store and in the model at once.
private struct Walk {
    private enum Step {
        case upload, add, renew, revoke, confirm, remove, ban, unban, sweep, pass, set
    }

    /// How often each comes: so that few leases live at once, and blobs end in every way.
    private static let steps: [Step] = [
        (Step.upload, 6), (.add, 4), (.renew, 4), (.revoke, 8), (.confirm, 14), (.remove, 1), (.ban, 1), (.unban, 2),
        (.sweep, 3), (.pass, 14), (.set, 2),
    ].flatMap { Array(repeating: $0, count: $1) }

    private let fixture: StoreFixture
    private let bytes: [UInt8]
    private var model: LeaseModel
    private var random: SeededGenerator
    private var owners = 3
    private var receipts = 100
    private var nodeCount = 1
    private var story: [String] = []
    /// What readers of each node may have kept of the blob while it was held.
    private var kept: [Int: (validity: ValidityToken, sunset: Timestamp)] = [:]

    init(fixture: StoreFixture, seed: UInt64) {
        self.fixture = fixture
        bytes = content(Int(seed))
        model = LeaseModel(fixture.settings)
        random = SeededGenerator(seed: seed)
    }

    private var blob: BlobAddress { address(of: bytes) }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    /// - Parameter nodes: the store, or nodes of it that are open at once.
    mutating func take(steps count: Int, _ nodes: [AnyStore]) async throws {
        (kept, nodeCount) = ([:], nodes.count)
        for _ in 0..<count {
            let (step, place) = (pick(Self.steps), nodes.count == 1 ? 0 : pick(Array(nodes.indices)))
            let now = nodes[place].now()
            story.append("\(step) at \(now.seconds)" + (nodes.count == 1 ? "" : " by \(place)"))
            // Of several nodes there is one clock, which nobody sets.
            if case .set = step, nodes.count > 1 { continue }
            try await take(step, nodes[place], now)
            for (place, node) in nodes.enumerated() { judgeKept(by: place, at: node.now()) }
            for (place, node) in nodes.enumerated() { try await compare(node, place) }
        }
    }

    private mutating func take(_ step: Step, _ store: AnyStore, _ now: Timestamp) async throws {
        let (bytes, blob) = (bytes, blob)
        switch step {
        case .upload:
            let wanted = wanted(fresh: pick([true, true, false]))
            let expected = model.upload(wanted, at: now)
            await expect(expected) { try await store.upload(bytes, on: wanted.terms) }
        case .add:
            let wanted = wanted(fresh: pick([true, false]))
            let expected = model.addLease(wanted, at: now)
            await expect(expected) { try await store.addLease(on: blob, terms: wanted.terms) }
        case .renew:
            let (owner, lifetime) = (owner(), pick([nil, seconds(600), .days(1), .days(3), .days(4)]))
            let expected = model.renew(owner, lifetime, at: now)
            await expect(expected) {
                try await store.renew(on: blob, owner: secret(owner), lifetime: lifetime, subject: nil)
            }
        case .revoke:
            let owner = owner()
            let expected = model.revoke(owner, at: now)
            await expect(expected) { try await store.revoke(on: blob, owner: secret(owner)) }
        case .confirm:
            let (key, person) = (receipt(fresh: false), pick([1, 2, 3]))
            let expected = model.confirm(key, person, at: now)
            await expect(expected) {
                try await store.confirmDelivery(of: blob, to: recipient(person), secret: secret(key))
            }
        case .remove, .ban:
            model.remove(bans: step == .ban, at: now)
            _ = try await store.remove(RemoveOptions(address: blob, action: step == .ban ? .ban : .takeDown))
        case .unban:
            let report = try await store.remove(RemoveOptions(address: blob, action: .unban))
            #expect(report.wasBanned == model.isBanned)
            model.liftBan()
        case .sweep: try await sweep(store, now)
        case .pass: fixture.clock.pass(seconds: pick([1, 599, 600, 3600, 86_400, 86_400, 200_000]))
        case .set: fixture.clock.setWall(by: pick([-86_400, -600, 60, 600, 7200]))
        }
    }

    /// After a sweep the subject is charged for what lives, and for nothing else.
    private func sweep(_ store: AnyStore, _ now: Timestamp) async throws {
        // The clock of the tests is not that of the database.
        let report = try await store.collect(CollectOptions(trustClock: nodeCount > 1))
        let charge = try await store.quotaUsage(of: "somebody")
        let live = model.entries.filter { $0.end(at: now) == nil }.count
        let bytes = Int64(live) * max(Int64(bytes.count), 4096)
        #expect(report.hold != nil || charge.leases == live && charge.bytes == bytes, "\(story)")
    }

    private mutating func owner() -> Int { Int.random(in: max(0, owners - 3)...owners, using: &random) }

    private mutating func wanted(fresh: Bool) -> LeaseModel.Wanted {
        if fresh { owners += 1 }
        // Most are used once, as they should be.
        let (first, second) = (receipt(fresh: pick([true, true, true, false])), receipt(fresh: true))
        let group: (Int?, [Int]) = pick([
            (nil, []), (2, [first]), (2, [first]), (nil, [first]), (1, [first]), (2, [first, second]),
            (nil, [first, second]),
        ])
        return LeaseModel.Wanted(
            owner: fresh ? owners : owner(), lifetime: pick([nil, seconds(600), seconds(7200), .days(1), .days(4)]),
            recipients: group.0, receipts: group.1)
    }

    /// A new receipt secret, or one of the latest.
    private mutating func receipt(fresh: Bool) -> Int {
        if fresh { receipts += 1 }
        return fresh ? receipts : Int.random(in: (receipts - 5)...receipts, using: &random)
    }

    private func expect<Value>(_ expected: StoreError?, _ body: () async throws -> Value) async {
        do {
            _ = try await body()
            #expect(expected == nil, "\(story)")
        } catch {
            #expect(error as? StoreError == expected, "\(story)")
        }
    }

    // MARK: What GET and GET lease answer

    /// As long as its token is current, what was kept says all that a look would, but for its time being up.
    private func judgeKept(by place: Int, at now: Timestamp) {
        guard let kept = kept[place], kept.validity.isCurrent else { return }
        if nodeCount > 1 {
            // Of a later end another node hears in its own time.
            #expect(kept.sunset <= now || kept.sunset <= model.sunset(at: now) ?? now, "\(story)")
            return
        }
        #expect(model.sunset(at: now) == (kept.sunset > now ? kept.sunset : nil), "\(story)")
    }

    private mutating func compare(_ store: AnyStore, _ place: Int) async throws {
        let now = store.now()
        let validity = store.validity(of: blob)
        switch try await store.find(blob) {
        case .unknown: #expect(model.entries.isEmpty, "\(story)")
        case .gone(let reason): #expect(model.end(at: now) == reason, "\(story)")
        case .held(let held):
            #expect(model.sunset(at: now) == held.sunset, "\(story)")
            kept[place] = (validity, held.sunset)
        case .damaged, .unreachable, .unanswered: Issue.record("neither held nor gone: \(story)")
        }
        for owner in 0...owners {
            guard let entry = model.entry(of: owner) else {
                await expect(model.refusal(at: now)) { try await store.lease(on: blob, owner: secret(owner)) }
                continue
            }
            let lease = try await store.lease(on: blob, owner: secret(owner))
            #expect(lease.state == entry.end(at: now).map { .ended($0) } ?? .held, "\(owner): \(story)")
            #expect(lease.created == entry.created && lease.expires == entry.expires, "\(owner): \(story)")
            #expect(lease.recipients == entry.recipients)
            let names = entry.received.map { recipient($0.person).base64url }.sorted()
            #expect(lease.received.map(\.recipient.base64url).sorted() == names, "\(owner): \(story)")
        }
    }
}

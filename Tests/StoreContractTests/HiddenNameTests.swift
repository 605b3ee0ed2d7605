import Blobs
import Glibc
import Store
import StoreTestSupport
import TestSupport
import Testing

/// Whoever asks by address cannot tell whether names lead to the bytes: of two stores to which the same is done by chance,
/// one also gets slots, and both always say the same.
@Suite(.timeLimit(.minutes(30))) struct HiddenNameTests {
    private static var seeds: [UInt64] { Array(1...(unsafe getenv("SATCHEL_SOAK") == nil ? 8 : 300)) }

    /// Where objects lie has nothing to do with names.
    private static let walks = StoreKind.all(with: seeds).filter { ![.ceph, .seaweedfs].contains($0.0) }

    @Test(arguments: walks) func `names change no answer by address`(kind: StoreKind, seed: UInt64)
        async throws
    {
        var twins = try [StoreFixture(kind), StoreFixture(kind)]
        for index in twins.indices {
            twins[index].settings.tombstoneLifetime = .days(2)
            twins[index].settings.maximumLifetime = .days(3)
            twins[index].settings.defaultLifetime = .days(1)
        }
        var walk = TwinWalk(clocks: twins.map(\.clock), seed: seed)
        for _ in 0..<3 {
            let stores = try await twins.asyncMap { try await $0.open() }
            do { try await walk.take(steps: 40, stores[0], slots: stores[1]) } catch {
                for store in stores { await store.close() }
                throw error
            }
            for store in stores { await store.close() }
            for twin in twins { try twin.expectExactCharges() }
        }
    }
}

/// The same steps in two stores, and slots in the second.
private struct TwinWalk {
    private enum Step: CaseIterable {
        case upload, uploadAgain, add, renew, revoke, confirm, remove, sweep, pass, passDays
        case fillSlot, emptySlots
    }

    private static let steps = Step.allCases + [.upload, .revoke, .sweep, .pass, .passDays, .fillSlot]

    private let clocks: [TestClock]
    private let bytes: [UInt8]
    private var random: SeededGenerator
    private var owners = 0
    private var slots = 0
    private var story: [String] = []

    init(clocks: [TestClock], seed: UInt64) {
        self.clocks = clocks
        bytes = content(Int(seed) + 400)
        random = SeededGenerator(seed: seed)
    }

    private var blob: BlobAddress { address(of: bytes) }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    mutating func take(steps count: Int, _ plain: AnyStore, slots withSlots: AnyStore) async throws {
        for _ in 0..<count {
            let step = pick(Self.steps)
            story.append("\(step)")
            try await take(step, plain, withSlots)
            try await compare(plain, withSlots)
        }
    }

    private mutating func take(_ step: Step, _ plain: AnyStore, _ withSlots: AnyStore) async throws {
        let (bytes, blob, lifetime) = (bytes, blob, pick([seconds(600), .days(1), .days(3)]))
        let owner = Int.random(in: max(0, owners - 3)...owners, using: &random)
        switch step {
        case .upload:
            owners += 1
            let terms = terms(owner: owners, lifetime: lifetime, recipients: 1, receipts: [secret(1000 + owners)])
            await expectSame(plain, withSlots) { store in
                let stored = try await store.upload(bytes, on: terms)
                return "\(stored.isNews) \(stored.uploaded) \(stored.expires)"
            }
        case .uploadAgain, .add:
            let terms = terms(owner: owner, lifetime: lifetime)
            await expectSame(plain, withSlots) { store in
                let stored =
                    step == .add
                    ? try await store.addLease(on: blob, terms: terms) : try await store.upload(bytes, on: terms)
                return "\(stored.isNews) \(stored.uploaded) \(stored.expires)"
            }
        case .renew:
            await expectSame(plain, withSlots) { store in
                let lease = try await store.renew(on: blob, owner: secret(owner), lifetime: lifetime, subject: nil)
                return "\(lease.expires)"
            }
        case .revoke:
            await expectSame(plain, withSlots) { store in
                try await store.revoke(on: blob, owner: secret(owner))
                return "revoked"
            }
        case .confirm:
            await expectSame(plain, withSlots) { store in
                try await store.confirmDelivery(of: blob, to: recipient(1), secret: secret(1000 + owner))
                return "confirmed"
            }
        case .remove:
            for store in [plain, withSlots] {
                _ = try await store.remove(RemoveOptions(address: blob, action: .takeDown))
            }
        case .sweep: for store in [plain, withSlots] { _ = try await store.collect() }
        case .pass, .passDays:
            let time: Int64 = step == .pass ? pick([1, 599, 601, 7200]) : pick([86_400, 172_801, 260_000])
            for clock in clocks { clock.pass(seconds: time) }
        case .fillSlot:
            slots += 1
            let name = AliasName(hashing: Array("slot \(slots)".utf8))
            try await withSlots.upload(
                bytes,
                on: LeaseTerms(
                    lifetime: lifetime, owner: SecretHash(bytes: name.bytes), subject: "slots",
                    alias: LeaseAlias(name: name, via: "chat")))
        case .emptySlots: _ = try await withSlots.remove(RemoveSubjectOptions(subject: "slots"))
        }
    }

    private func expectSame(
        _ plain: AnyStore, _ withSlots: AnyStore, _ body: (AnyStore) async throws -> String
    ) async {
        var told: [String] = []
        for store in [plain, withSlots] {
            do { told.append(try await body(store)) } catch { told.append("\(error)") }
        }
        #expect(told[0] == told[1], "\(story)")
    }

    private func compare(_ plain: AnyStore, _ withSlots: AnyStore) async throws {
        let blob = blob
        await expectSame(plain, withSlots) { store in
            guard case .held(let held) = try await store.find(blob) else { return "\(try await store.fetch(blob))" }
            return "held until \(held.sunset)"
        }
        for owner in max(0, owners - 3)...owners {
            await expectSame(plain, withSlots) { store in
                let lease = try await store.lease(on: blob, owner: secret(owner))
                return "\(lease.state) \(lease.expires) \(lease.received.count)"
            }
        }
        await expectSame(plain, withSlots) { store in "\(try await store.quotaUsage(of: "somebody"))" }
    }
}

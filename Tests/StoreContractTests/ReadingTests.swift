import Blobs
import Files
import Store
import StoreTestSupport
import TestSupport
import Testing

/// What anybody may rely on who reads blobs from a store, be it a server or a cache in front of it.
@Suite struct ReadingTests {
    private static let intents: [ReadIntent] = [
        .whole, .head, .ranges, .range(70_000..<70_001), .range(299_999..<Int64.max), .range(1 << 40..<1 << 41),
    ]

    private let bytes = content(81, count: 300_000)
    private var blob: BlobAddress { address(of: bytes) }

    @Test(arguments: ReadKind.allCases)
    func `a held blob is found with its size and its end, whatever of it is wanted`(kind: ReadKind) async throws {
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            let stored = try await scene.store.upload(bytes, owner: secret(1), lifetime: .days(2))
            for intent in Self.intents {
                let held = try await scene.reads.held(blob, for: intent)
                #expect(held.address == blob && held.size == 300_000 && held.sunset == stored.expires)
                #expect(held.freshUntil > scene.reads.now() && held.freshUntil <= held.sunset)
                #expect(try await held.content.read(range(0, 300_000)) == bytes)
            }
            // This store holds the truth itself, or hears of all that changes.
            guard kind.edges == 0 || kind.followsChanges else { return }
            try await eventually { try await scene.reads.held(blob).freshUntil == stored.expires }
        }
    }

    @Test(arguments: ReadKind.allCases)
    func `any range of a blob can be read, in memory or as a file`(kind: ReadKind) async throws {
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            try await scene.store.upload(bytes, owner: secret(1))
            let content = try await scene.reads.held(blob, for: .ranges).content
            for (offset, count) in [(0, 1), (299_999, 1), (0, 300_000), (131_071, 2), (1234, 100_000)] {
                let range = try range(Int64(offset), Int64(count))
                let isWhole = try await content.read(range, for: .ranges) == Array(bytes[offset..<offset + count])
                #expect(isWhole)
                _ = try await content.fetch(range, atMost: 1 << 20, for: .ranges)
                let isPart = bytes[offset..<offset + count].starts(with: resident(content, at: offset, count: count))
                #expect(isPart, "as many as can be had without waiting")
            }
            #expect(resident(content, at: 300_000, count: 10).isEmpty, "nothing is behind the end")
            guard let descriptor = content.openDescriptor() else { return }
            let file = OpenFile(owning: descriptor, path: "the blob")
            #expect(try file.size() == 300_000)
        }
    }

    /// - Parameter isRead: whether all were read while they were held, so that an edge has them.
    @Test(arguments: ReadKind.allCases, [false, true])
    func `absence has its reason, whatever is wanted`(kind: ReadKind, isRead: Bool) async throws {
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            let ended = [(1, EndReason.expired), (2, .delivered), (3, .revoked), (4, .removed)]
            for (seed, reason) in ended {
                let recipients = reason == .delivered ? 1 : nil
                try await scene.store.upload(
                    content(seed),
                    on: terms(owner: seed, lifetime: .days(1), recipients: recipients, receipts: [secret(9)]))
                let gone = address(of: content(seed))
                if isRead { #expect(try await scene.reads.fetch(gone) == .held(content(seed))) }
                switch reason {
                case .expired: break
                case .delivered: try await scene.store.confirmDelivery(of: gone, to: recipient(1), secret: secret(9))
                case .revoked: try await scene.store.revoke(on: gone, owner: secret(seed))
                case .removed: _ = try await scene.store.remove(RemoveOptions(address: gone, action: .takeDown))
                }
            }
            try await scene.store.upload(content(5), owner: secret(5))
            try fixture.inflict(.gone, on: address(of: content(5)))
            try await scene.hearChanges()
            fixture.clock.pass(seconds: 86_400)
            for isSwept in [false, true] {
                if isSwept { _ = try await scene.store.collect() }
                for intent in Self.intents {
                    for (seed, reason) in ended {
                        let finding = try await scene.reads.find(address(of: content(seed)), for: intent)
                        #expect(finding.reason == reason, "\(intent), \(isSwept)")
                    }
                    guard case .damaged = try await scene.reads.find(address(of: content(5)), for: intent) else {
                        Issue.record("damage is not seen, for \(intent)")
                        continue
                    }
                    guard case .unknown = try await scene.reads.find(address(of: content(6)), for: intent) else {
                        Issue.record("what never was is known, for \(intent)")
                        continue
                    }
                }
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a store that is closed is not ready, and says so to everybody who asks`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        let store = try await fixture.open()
        try await store.upload(bytes, owner: secret(1))
        let session = try await store.begin(announcing(1 << 20))
        #expect(await store.unreadiness() == nil)
        await store.close()
        #expect(await store.unreadiness() != nil)
        await expectUnavailable { _ = try await store.find(blob, for: .head) }
        await expectUnavailable { _ = try await store.lease(on: blob, owner: secret(1)) }
        await expectUnavailable { try await store.upload(content(1)) }
        await expectUnavailable { _ = try await store.create(content(1)) }
        await expectUnavailable { _ = try await store.collect() }
        await #expect(throws: StoreError.self) { _ = try await session.commit() }
        await store.close()
        try await fixture.withStore { store async throws in
            #expect(try await store.fetch(blob) == .held(bytes))
        }
    }

    private func expectUnavailable(_ body: () async throws -> Void) async {
        await #expect { try await body() } throws: { if case StoreError.unavailable = $0 { true } else { false } }
    }

    private func range(_ offset: Int64, _ count: Int64) throws -> ByteRange {
        try #require(ByteRange(offset: offset, count: count, within: Int64(bytes.count)))
    }

    /// What of so many bytes can be had without waiting.
    private func resident(_ content: any BlobContent, at offset: Int, count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        var bytes = buffer.mutableSpan
        // Safe: every pattern of bits is a byte.
        var span = unsafe bytes.mutableBytes
        let filled = content.readResident(at: Int64(offset), into: &span)
        return Array(buffer.prefix(filled))
    }
}

extension BlobStore {
    /// The blob at `address`; any other finding is an issue.
    func held(_ address: BlobAddress, for intent: ReadIntent = .whole) async throws -> HeldBlob {
        guard case .held(let blob) = try await find(address, for: intent) else {
            throw Unexpected(what: "the blob is not held")
        }
        return blob
    }
}

extension BlobContent {
    /// All bytes of `range`, as somebody reads them who wants `intent`.
    func read(_ range: ByteRange, for intent: ReadIntent) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let rest = ByteRange(
            offset: range.offset + Int64(bytes.count), count: range.count - Int64(bytes.count), within: range.end)
        {
            let more = try await read(rest, atMost: 1 << 20, for: intent)
            try #require(!more.isEmpty && Int64(more.count) <= rest.count)
            bytes += more
        }
        return bytes
    }
}

extension BlobFinding {
    /// Why the blob is gone; nil for any other finding.
    fileprivate var reason: EndReason? { if case .gone(let reason) = self { reason } else { nil } }
}

import Blobs
import Store
import StoreTestSupport
import Testing

/// Names that lead to leases.
@Suite struct AliasTests {
    private let bytes = content(301)
    private var blob: BlobAddress { address(of: bytes) }

    private func name(_ seed: Int) -> AliasName { AliasName(hashing: content(seed + 9000)) }

    /// The terms of a slot.
    private func named(
        _ seed: Int, lifetime: Lifetime? = nil, subject: String = "somebody", isShared: Bool = false
    ) -> LeaseTerms {
        LeaseTerms(
            lifetime: lifetime, owner: SecretHash(bytes: name(seed).bytes), subject: subject, isShared: isShared,
            alias: LeaseAlias(name: name(seed), via: "chat"))
    }

    /// What is found by name, as `fetch` tells it.
    private func fetch(_ seed: Int, from store: AnyStore) async throws -> Fetched {
        switch try await store.find(name(seed)).finding {
        case .held(let blob):
            guard let range = ByteRange(offset: 0, count: blob.size, within: blob.size) else { return .held([]) }
            return .held(try await blob.content.read(range))
        case .gone(let reason): return .gone(reason)
        case .damaged: return .damaged
        case .unknown, .unanswered, .unreachable: return .unknown
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a name leads to its lease, and nobody is shown by address what only names lead to`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            #expect(try await fetch(1, from: store) == .unknown)
            let stored = try await store.upload(bytes, on: named(1))
            #expect(stored.isNew && stored.address == blob)
            #expect(try await fetch(1, from: store) == .held(bytes))
            #expect(try await fetch(2, from: store) == .unknown)
            #expect(try await store.fetch(blob) == .unknown)
            await #expect(throws: StoreError.notFound) { try await store.lease(on: blob, owner: secret(1)) }
            await #expect(throws: StoreError.notFound) { try await store.revoke(on: blob, owner: secret(1)) }
            await #expect(throws: StoreError.notFound) {
                _ = try await store.addLease(on: blob, terms: terms(owner: 1))
            }
            await #expect(throws: StoreError.notFound) {
                try await store.confirmDelivery(of: blob, to: recipient(1), secret: secret(1))
            }
            #expect(try await store.statistics().aliases == ["chat": 1])
            let unheld = try await store.statistics().unheld
            #expect(unheld == 0)
            _ = try await store.collect()
            #expect(try await fetch(1, from: store) == .held(bytes), "a sweep leaves it")
        }
        try await fixture.withStore { store async throws in
            #expect(try await fetch(1, from: store) == .held(bytes), "so does a restart")
            let check = try await store.check()
            #expect(check.isClean && check.blobsChecked == 1)
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `an upload of bytes that only names lead to is told as new, and shows them`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: named(1, lifetime: .days(9)))
            let stored = try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            #expect(stored.isNews && !stored.isNew)
            #expect(try await store.fetch(blob) == .held(bytes))
            guard case .held(let held) = try await store.find(blob),
                case .held(let named) = try await store.find(name(1)).finding
            else { throw Unexpected(what: "it is not held") }
            #expect(held.sunset == fixture.clock.wall.advanced(by: .days(1)), "each by its own lease")
            #expect(named.sunset == fixture.clock.wall.advanced(by: .days(9)))
            let again = try await store.upload(bytes, on: terms(owner: 2, lifetime: .days(1)))
            #expect(!again.isNews)
            try await store.revoke(on: blob, owner: secret(2))
            try await store.revoke(on: blob, owner: secret(1))
            #expect(try await store.fetch(blob) == .gone(.revoked), "as it would be without names")
            _ = try await store.collect()
            #expect(try await fetch(1, from: store) == .held(bytes))
            #expect(try await store.fetch(blob) == .gone(.revoked))
            let late = try await store.upload(bytes, on: terms(owner: 3, lifetime: .days(1)))
            #expect(late.isNews && !late.isNew, "as where a tombstone is all that is left")
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `that a blob was shown by its address is forgotten in time, whatever names keep of it`(kind: StoreKind)
        async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.tombstoneLifetime = .days(5)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: named(1, lifetime: .days(30)))
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            fixture.clock.pass(seconds: 86_400)
            #expect(try await store.fetch(blob) == .gone(.expired))
            _ = try await store.collect()
            fixture.clock.pass(seconds: 5 * 86_400)
            _ = try await store.collect()
            #expect(try await store.fetch(blob) == .gone(.expired), "a tombstone is as old as that")
            fixture.clock.pass(seconds: 1)
            let validity = store.validity(of: blob)
            let foreseen = try await store.collect(CollectOptions(dryRun: true))
            let report = try await store.collect()
            #expect(foreseen.tombstonesDropped == 2 && report.tombstonesDropped == 2, "the lease and the showing")
            #expect(!validity.isCurrent)
            #expect(try await store.fetch(blob) == .unknown)
            await #expect(throws: StoreError.notFound) { try await store.lease(on: blob, owner: secret(1)) }
            #expect(try await fetch(1, from: store) == .held(bytes))
            #expect(try await store.collect().tombstonesDropped == 0)
        }
        try await fixture.withStore { store async throws in
            #expect(try await store.fetch(blob) == .unknown, "after a restart too")
            let stored = try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            #expect(stored.isNews && !stored.isNew)
            #expect(try await store.fetch(blob) == .held(bytes))
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `a name is taken once, for whatever bytes, and until its lease is forgotten`(kind: StoreKind) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.tombstoneLifetime = .days(5)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: named(1, lifetime: .days(1)))
            let other = content(302)
            await #expect(throws: StoreError.aliasTaken) { try await store.upload(other, on: named(1)) }
            await #expect(throws: StoreError.aliasTaken) { try await store.upload(bytes, on: named(1)) }
            let large = UploadAnnouncement(size: 1 << 20, address: nil, terms: named(1))
            await #expect(throws: StoreError.aliasTaken, "before the first byte, where there are many") {
                _ = try await store.begin(large)
            }
            #expect(try fixture.bytes(of: address(of: other)) == nil, "nothing is left of it")
            fixture.clock.pass(seconds: 86_400)
            #expect(try await fetch(1, from: store) == .gone(.expired), "before any sweep")
            _ = try await store.collect()
            #expect(try await fetch(1, from: store) == .gone(.expired))
            #expect(try await store.fetch(blob) == .unknown, "gone as if it had never been")
            #expect(try fixture.bytes(of: blob) == nil)
            await #expect(throws: StoreError.aliasTaken) { try await store.upload(bytes, on: named(1)) }
            fixture.clock.pass(seconds: 5 * 86_400 + 1)
            _ = try await store.collect()
            #expect(try await fetch(1, from: store) == .unknown)
            try await store.upload(other, on: named(1))
            #expect(try await fetch(1, from: store) == .held(other))
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `each name has a lease of its own, however many lead to one blob, and ends alone`(kind: StoreKind) async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.leasesPerAddress = 2
        fixture.settings.leasesPerSubjectAndAddress = 2
        try await fixture.withStore { store async throws in
            for seed in 1...5 { try await store.upload(bytes, on: named(seed, lifetime: seconds(Int64(seed) * 100))) }
            let usage = try await store.quotaUsage(of: "somebody")
            #expect(usage.leases == 5 && usage.bytes == 5 * 4096)
            // Names take no places from those who ask by address.
            for owner in 1...2 { try await store.upload(bytes, on: terms(owner: owner)) }
            await #expect(throws: StoreError.self) { try await store.upload(bytes, on: terms(owner: 3)) }
            try await store.upload(bytes, on: named(6, lifetime: seconds(600)))
            for owner in 1...2 { try await store.revoke(on: blob, owner: secret(owner)) }
            for seed in 1...6 {
                fixture.clock.pass(seconds: 100)
                if seed == 3 { _ = try await store.collect() }
                for other in 1...6 {
                    #expect(try await fetch(other, from: store) == (other <= seed ? .gone(.expired) : .held(bytes)))
                }
            }
            _ = try await store.collect()
            #expect(try fixture.bytes(of: blob) == nil)
            let left = try await store.quotaUsage(of: "somebody")
            #expect(left.leases == 0 && left.bytes == 0)
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `a finding by name holds until something changes about it, and no longer`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            #expect(try await store.find(name(1)).validity == nil)
            try await store.upload(bytes, on: named(1))
            let before = try #require(try await store.find(name(1)).validity)
            #expect(before.isCurrent)
            try await store.upload(content(303), on: named(2))
            #expect(before.isCurrent, "another name")
            _ = try await store.remove(RemoveOptions(.alias(name(1)), action: .takeDown))
            #expect(!before.isCurrent)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a blob that is taken down by a name is gone for all, and may be banned by it`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let unknown = try await store.remove(RemoveOptions(.alias(name(1)), action: .ban))
            #expect(unknown.address == nil && !unknown.isKnown && !unknown.isBanned)
            try await store.upload(bytes, on: named(1))
            try await store.upload(bytes, on: named(2, subject: "ben"))
            let report = try await store.remove(RemoveOptions(.alias(name(1)), action: .ban))
            #expect(report.address == blob && report.leasesEnded == 2 && report.blobsRemoved == 1 && report.isBanned)
            #expect(try await fetch(1, from: store) == .gone(.removed))
            #expect(try await fetch(2, from: store) == .gone(.removed))
            #expect(try await store.fetch(blob) == .unknown)
            #expect(try fixture.bytes(of: blob) == nil)
            await #expect(throws: StoreError.banned) { try await store.upload(bytes, on: named(3)) }
            let lifted = try await store.remove(RemoveOptions(.alias(name(2)), action: .unban))
            #expect(lifted.wasBanned)
            try await store.upload(bytes, on: named(3))
            #expect(try await fetch(3, from: store) == .held(bytes))
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `all that one subject holds can be ended, and others keep what they hold`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let other = content(304)
            for seed in 1...5 { try await store.upload(content(310 + seed), on: named(seed, subject: "ann")) }
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(9), subject: "ann"))
            try await store.upload(bytes, on: terms(owner: 2, lifetime: .days(2), subject: "ben"))
            try await store.upload(other, on: terms(subject: "ann"))
            try await store.upload(other, on: named(9, subject: "ben"))
            try await store.upload(content(305), on: terms(owner: 3, lifetime: seconds(5), subject: "ann"))
            fixture.clock.pass(seconds: 5)
            let asked = try await store.remove(RemoveSubjectOptions(subject: "ann", dryRun: true))
            #expect(asked.dryRun && asked.leasesEnded == 8 && asked.chargedBytes == 8 * 4096)
            #expect(try await fetch(1, from: store) == .held(content(311)))
            let report = try await store.remove(RemoveSubjectOptions(subject: "ann"))
            #expect(!report.dryRun && report.leasesEnded == 7 && report.chargedBytes == 7 * 4096)
            #expect(report.blobsRemoved == 6 && report.bytesRemoved == 6 * 1000)
            for seed in 1...5 { #expect(try await fetch(seed, from: store) == .gone(.removed)) }
            #expect(try await store.fetch(other) == .gone(.removed))
            #expect(try await fetch(9, from: store) == .held(other))
            #expect(try await store.fetch(address(of: content(305))) == .gone(.expired))
            guard case .held(let held) = try await store.find(blob) else { throw Unexpected(what: "ben's is gone") }
            #expect(held.sunset == fixture.clock.wall.advanced(by: seconds(2 * 86_400 - 5)))
            #expect(try await store.lease(on: blob, owner: secret(1)).state == .ended(.removed))
            #expect(try await store.quotaUsage(of: "ann").leases == 0)
            #expect(try await store.quotaUsage(of: "ben").leases == 2)
            let again = try await store.remove(RemoveSubjectOptions(subject: "ann"))
            #expect(again == RemoveSubjectReport())
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `a subject that stands for many has limits of its own`(kind: StoreKind) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.leasesPerSubject = 1
        fixture.settings.leasesPerSubjectAndDay = 1
        fixture.settings.bytesPerSubject = 5000
        fixture.settings.openUploadsPerSubject = 1
        fixture.settings.leasesPerSharedSubject = 4
        fixture.settings.bytesPerSharedSubject = 3 * 4096 + 100_000
        try await fixture.withStore { store async throws in
            for seed in 1...3 {
                try await store.upload(content(seed), on: named(seed, subject: "door", isShared: true))
            }
            let first = try await store.begin(
                UploadAnnouncement(size: 10, address: nil, terms: named(20, subject: "door", isShared: true)))
            try await first.append([1])
            let large = content(4, count: 100_001)
            await #expect(throws: StoreError.self, "bytes") {
                try await store.upload(large, on: named(4, subject: "door", isShared: true))
            }
            try await store.upload(content(4, count: 90_000), on: named(4, subject: "door", isShared: true))
            await #expect(throws: StoreError.self, "leases") {
                try await store.upload(content(5), on: named(5, subject: "door", isShared: true))
            }
            await first.abandon()
            try await store.upload(content(6), on: named(6, subject: "ann"))
            await #expect(throws: StoreError.self, "a person's limits") {
                try await store.upload(content(7), on: named(7, subject: "ann"))
            }
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `what is not encrypted is refused at the twelfth byte where only that is taken`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        let plain: [[UInt8]] = [
            [0xff, 0xd8, 0xff, 0xe0], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], Array("GIF89a".utf8),
            Array("RIFFabcdWEBP".utf8), Array("abcdftypheic".utf8), [0x1a, 0x45, 0xdf, 0xa3], Array("OggS".utf8),
            Array("ID3".utf8), [0xff, 0xfb, 0x90, 0x64], Array("%PDF-1.7".utf8), [0x50, 0x4b, 0x03, 0x04],
        ]
        let others: [[UInt8]] = [
            [0xff, 0xd8, 0xfe], Array("RIFFabcdWAVE".utf8), Array("abcdftyx".utf8), [0xff, 0xfb, 0xf0], [], [1, 2],
        ]
        try await fixture.withStore { store async throws in
            func upload(_ head: [UInt8], _ seed: Int, count: Int = 100) async throws {
                let bytes = Array((head + content(seed, count: 100)).prefix(max(count, head.count)))
                let session = try await store.begin(
                    UploadAnnouncement(
                        size: Int64(bytes.count), address: nil, terms: named(seed), acceptance: .encryptedOnly))
                for byte in bytes.prefix(12) { try await session.append([byte]) }
                if bytes.count > 12 { try await session.append(Array(bytes.dropFirst(12))) }
                _ = try await session.commit()
            }
            for (seed, head) in plain.enumerated() {
                await #expect(throws: StoreError.notEncrypted, "\(head)") { try await upload(head, seed) }
                await #expect(throws: StoreError.notEncrypted, "\(head), and nothing else") {
                    try await upload(head, seed, count: 0)
                }
            }
            for (seed, head) in others.enumerated() { try await upload(head, 50 + seed) }
        }
    }
}

extension BlobStore {
    fileprivate func fetch(_ bytes: [UInt8]) async throws(StoreError) -> Fetched { try await fetch(address(of: bytes)) }
}

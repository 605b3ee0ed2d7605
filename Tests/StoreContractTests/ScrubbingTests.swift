import Blobs
import Store
import StoreTestSupport
import Testing

/// The background check of all held blobs.
@Suite struct ScrubbingTests {
    private static let unpaced: Int64 = 1 << 40

    @Test(arguments: StoreKind.allCases, Harm.allCases)
    func `damage is found, set aside, and heals by upload`(kind: StoreKind, harm: Harm) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            for seed in 1...5 { try await store.upload(content(seed), owner: secret(seed)) }
            let blob = address(of: content(3))
            let token = store.validity(of: blob)
            try fixture.inflict(harm, on: blob)
            try await store.scrub(bytesPerSecond: Self.unpaced) { 0 }
            #expect(try await store.fetch(blob) == .damaged)
            #expect(try await store.lease(on: blob, owner: secret(3)).state == .damaged)
            #expect(!token.isCurrent)
            #expect(try fixture.setAsideCount() == (kind.hasOwnRoom && harm != .gone ? 1 : 0))
            let history = try await store.scrubHistory()
            #expect(history.current == nil)
            #expect(history.last?.blobs == 5 && history.last?.damaged == 1)
            let healed = try await store.upload(content(3), owner: secret(30))
            #expect(healed.isNew)
            #expect(try await store.fetch(blob) == .held(content(3)))
            #expect(try await store.lease(on: blob, owner: secret(3)).state == .held)
            try await store.scrub(bytesPerSecond: Self.unpaced) { 0 }
            #expect(try await store.scrubHistory().last?.damaged == 0)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `one that is cut short goes on where it was, after a restart too`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        let began = try await fixture.withStore { store async throws in
            for seed in 1...20 { try await store.upload(content(seed), owner: secret(seed)) }
            let scrub = Task { try await store.scrub(bytesPerSecond: 1) { 0 } }
            await Task.yield()
            scrub.cancel()
            try await scrub.value
            #expect(try await store.scrubHistory().last == nil)
            return try await store.scrubHistory().current?.began
        }
        fixture.clock.pass(seconds: 60)
        try await fixture.withStore { store async throws in
            try await store.scrub(bytesPerSecond: Self.unpaced) { 0 }
            let history = try await store.scrubHistory()
            let last = try #require(history.last)
            #expect(history.current == nil && last.blobs == 20 && last.bytes == 20_000 && last.damaged == 0)
            #expect(last.began == began ?? fixture.clock.wall.seconds && last.latest == fixture.clock.wall.seconds)
            #expect(try await store.readings().lastScrub == fixture.clock.wall.seconds)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `where more is damaged than happens by itself, the rest is left to a person`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            for seed in 0..<70 {
                try await store.upload(content(seed), owner: secret(seed))
                try fixture.inflict(.gone, on: address(of: content(seed)))
            }
            try await store.scrub(bytesPerSecond: Self.unpaced) { 0 }
            #expect(try await store.scrubHistory().last?.damaged == 70)
            #expect(try await store.readings().damaged.count == 64)
            #expect(try await store.check(CheckOptions(repair: true)).repairedCount == 6)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a blob that was not found as it should be is looked at soon`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            for seed in 1...3 { try await store.upload(content(seed), owner: secret(seed)) }
            try fixture.inflict(.gone, on: address(of: content(1)))
            try fixture.inflict(.cut, on: address(of: content(2)))
            for seed in 1...2 { #expect(try await store.fetch(address(of: content(seed))) == .damaged) }
            #expect(try await store.readings().damaged.count == 0)
            await store.examineSuspects()
            #expect(try await store.readings().damaged.count == 2)
            #expect(try await store.fetch(address(of: content(3))) == .held(content(3)))
            #expect(try await store.scrubHistory().last == nil, "nothing else was looked at")
        }
    }
}

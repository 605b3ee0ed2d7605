import Blobs
import Store
import StoreTestSupport
import Synchronization
import Testing

@Suite struct CheckTests {
    @Test(arguments: StoreKind.allCases, Harm.allCases)
    func `a damaged blob is found, set aside, answers damaged, and heals by upload`(kind: StoreKind, harm: Harm)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let blob = try await store.upload(content(1), owner: secret(1)).address
            try await store.upload(content(2), owner: secret(2))
            try fixture.inflict(harm, on: blob)

            let found = try await store.check()
            #expect(!found.isClean && found.findings.count == 1 && found.findings.first?.isRepaired == false)
            #expect(
                found.findings.first?.kind
                    == (harm == .flipped ? .wrongBytes : harm == .cut ? .wrongSize : .missing))
            let repaired = try await store.check(CheckOptions(repair: true))
            #expect(!repaired.isClean && repaired.repairedCount == 1 && repaired.awaitingUpload == 1)

            var fetched = try await store.fetch(blob)
            #expect(fetched == .damaged)
            var lease = try await store.lease(on: blob, owner: secret(1))
            #expect(lease.state == .damaged)
            let aside = kind.hasOwnRoom && harm != .gone ? 1 : 0
            #expect(try fixture.setAsideCount() == aside)
            let after = try await store.check()
            #expect(after.isClean && after.awaitingUpload == 1)

            let healed = try await store.upload(content(1), owner: secret(3))
            fetched = try await store.fetch(blob)
            lease = try await store.lease(on: blob, owner: secret(1))
            #expect(healed.isNew && fetched == .held(content(1)) && lease.state == .held)
            let swept = try await store.collect()
            #expect(swept.asideFilesRemoved == aside)
            #expect(try await store.check().isClean)
        }
    }

    @Test(arguments: ReadKind.allCases, [Harm.cut, .gone])
    func `what a look at the file shows is never served nor taken for held`(kind: ReadKind, harm: Harm) async throws {
        let fixture = try StoreFixture(kind.store)
        try await fixture.withReads(kind) { scene async throws in
            let blob = try await scene.store.upload(content(1), owner: secret(1)).address
            try fixture.inflict(harm, on: blob)
            let found = try await scene.reads.fetch(blob)
            #expect(found == .damaged)
            let again = try await scene.store.upload(content(1), owner: secret(1))
            let healed = try await scene.reads.fetch(blob)
            // Elsewhere nobody has looked, and whatever comes takes the place of what is there.
            #expect(again.isNew == kind.store.hasOwnRoom && healed == .held(content(1)))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a damaged blob whose last lease ends goes, and what was set aside with it`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let blob = try await store.upload(content(1), owner: secret(1)).address
            try fixture.inflict(.flipped, on: blob)
            _ = try await store.check(CheckOptions(repair: true))
            try await store.revoke(on: blob, owner: secret(1))
            _ = try await store.collect()
            let found = try await store.fetch(blob)
            #expect(found == .gone(.revoked))
            #expect(try fixture.setAsideCount() == 0)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `bytes that the catalog does not know are reported and stay`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let name = try fixture.plant(content(1))
            let report = try await store.check(CheckOptions(repair: true))
            #expect(report.findings.map(\.kind) == [.orphan])
            #expect(report.findings.map(\.name) == [name])
            #expect(try await store.check().findings.map(\.name) == [name], "a check removes nothing")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a check reports its progress after each blob, and throws where it is cancelled`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            for seed in 1...3 { try await store.upload(content(seed), owner: secret(seed)) }
            let progress = Mutex<[Int64]>([])
            let report = try await store.check(CheckOptions()) { step in progress.withLock { $0.append(step.bytes) } }
            #expect(report.isClean && report.blobsChecked == 3 && report.bytesChecked == 3000)
            #expect(progress.withLock { $0 } == [1000, 2000, 3000])
            await #expect { _ = try await cancelled { try await store.check() } } throws: {
                if case StoreError.unavailable = $0 { true } else { false }
            }
        }
    }
}

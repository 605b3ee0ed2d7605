import Blobs
import Catalog
import DiskStore
import Files
import Store
import StoreParts
import StoreRules
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// A store on a disk that is moved into another, while it is served.
@Suite struct MovingTests {
    private let folder: TemporaryFolder
    private let clock = TestClock()

    init() throws {
        folder = try TemporaryFolder.inMemory()
    }

    private func open(_ name: String) async throws -> Vault {
        var settings = VaultSettings.small
        settings.deliveryGrace = .days(1)
        return try await Vault.open(
            at: folder.path(name), settings: settings, clock: clock, logger: StoreFixture.quiet)
    }

    private func copy(from source: VaultRecords, to sink: Vault) -> StoreCopy<VaultRecords, Vault> {
        StoreCopy(from: source, to: sink) { sink.now() }
    }

    @Test func `two rounds while it is served and one after it make the other the same`() async throws {
        let source = try await open("source")
        let sink = try await open("sink")
        var life = StoreLife(clock: clock)
        try await life.begin(on: source)
        let records = try VaultRecords.open(at: folder.path("source"))
        let copy = copy(from: records, to: sink)
        let first = try await copy.round()
        #expect(first.blobs == 14 && first.blobsChanged == 14 && first.damaged == 0)
        #expect(first.bytesCopied == 12_000 && first.bans == 2 && first.uploads == 1 && first.subjects == 2)
        #expect(try await copy.round().isSame)

        try await life.goOn(on: source)
        let second = try await copy.round()
        #expect(second.bytesCopied == 7000, "what was there is not fetched again")
        #expect(!second.isSame && second.blobsChanged < second.blobs)
        await #expect(throws: StoreError.self, "it is served") { _ = try await copy.round(isLast: true) }
        let before = try await life.answers(from: source)
        try await source.revoke(on: address(of: content(11)), owner: secret(3))
        let expected = try await life.answers(from: source)
        #expect(before != expected)
        await source.close()
        let last = try await copy.round(isLast: true)
        #expect(last.blobsChanged == 1 && last.bytesCopied == 0)
        #expect(try await copy.round(isLast: true).isSame)
        await #expect(throws: VaultError.self, "nobody serves it while it is claimed") {
            _ = try await open("source")
        }
        await records.close()

        let differences = try await life.answers(from: sink).differences(from: expected)
        #expect(differences == [])
        #expect(try await sink.check().isClean)
        let sums = try await sink.read { try $0.sums() }
        let sourceSums = try await sumsOfSource()
        #expect(sums == sourceSums)
        await sink.close()
        let charges = try Charges(ofStore: folder.path("sink"))
        #expect(charges.charged == charges.owed)
        #expect(try Charges.strayAliases(ofStore: folder.path("sink")) == 0)
    }

    private func sumsOfSource() async throws -> StoreSums {
        let source = try await open("source")
        let sums = try await source.read { try $0.sums() }
        await source.close()
        return sums
    }

    @Test func `what lives on in the copy ends there like anything else`() async throws {
        let source = try await open("source")
        let sink = try await open("sink")
        var life = StoreLife(clock: clock)
        try await life.begin(on: source)
        try await life.goOn(on: source)
        await source.close()
        let records = try VaultRecords.open(at: folder.path("source"))
        _ = try await copy(from: records, to: sink).round(isLast: true)
        await records.close()
        clock.pass(seconds: 31 * 86_400)
        let again = try await open("source")
        for store in [again, sink] { _ = try await store.collect(CollectOptions(trustClock: true)) }
        let (there, here) = (try await life.answers(from: sink), try await life.answers(from: again))
        #expect(there.differences(from: here) == [])
        #expect(try await sink.readings().held.count == 0)
        clock.pass(seconds: 100 * 86_400)
        _ = try await sink.collect(CollectOptions(trustClock: true))
        let readings = try await sink.readings()
        #expect(readings.endedLeases == 0 && readings.tombstones == 0)
        await again.close()
        await sink.close()
    }

    @Test func `bytes that are not the blob's are damaged there too, and heal there`() async throws {
        let source = try await open("source")
        let sink = try await open("sink")
        for seed in 1...4 { try await source.upload(content(seed), owner: secret(seed)) }
        let layout = DiskLayout(root: folder.path("source"))
        for (seed, harm) in zip(1...3, Harm.allCases) {
            try harm.inflict(onFile: layout.blob(address(of: content(seed))))
        }
        let records = try VaultRecords.open(at: folder.path("source"))
        let report = try await copy(from: records, to: sink).round()
        await records.close()
        #expect(report.damaged == 3 && report.bytesCopied == 1000)
        for seed in 1...3 { #expect(try await sink.fetch(address(of: content(seed))) == .damaged) }
        #expect(try await sink.fetch(address(of: content(4))) == .held(content(4)))
        try await sink.upload(content(1), owner: secret(9))
        #expect(try await sink.fetch(address(of: content(1))) == .held(content(1)))
        #expect(try await sink.lease(on: address(of: content(1)), owner: secret(1)).state == .held)
        await source.close()
        await sink.close()
    }

    @Test func `a copy that was cut short is begun anew and finds done what was done`() async throws {
        let source = try await open("source")
        let sink = try await open("sink")
        for seed in 1...40 { try await source.upload(content(seed), owner: secret(seed % 4)) }
        let records = try VaultRecords.open(at: folder.path("source"))
        let copy = copy(from: records, to: sink)
        let cut = Task { try await copy.round() }
        cut.cancel()
        _ = await cut.result
        let report = try await copy.round()
        #expect(report.blobs == 40)
        #expect(try await copy.round().isSame)
        #expect(try await sink.check().isClean)
        await records.close()
        await source.close()
        await sink.close()
    }

    @Test func `a clock that is behind what the source has relied on is not taken for the present`() async throws {
        let source = try await open("source")
        clock.setWall(by: 86_400)
        try await source.upload(content(1))
        clock.setWall(by: -86_400)
        let sink = try await open("sink")
        let records = try VaultRecords.open(at: folder.path("source"))
        await #expect(throws: StoreError.self) { _ = try await copy(from: records, to: sink).round() }
        await records.close()
        await source.close()
        await sink.close()
    }

    @Test func `where there is no store nothing is opened`() {
        #expect(throws: VaultError.self) { _ = try VaultRecords.open(at: folder.path("nothing")) }
    }
}

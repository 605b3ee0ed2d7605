import BlobFiles
import Blobs
import Objects
import SharedStore
import Store
import StoreParts
import StoreRules
import StoreTestSupport
import TestEngines
import TestSupport
import Testing
import Vault

/// A store on a disk that becomes a shared one, and the other way round.
@Suite(.enabled(if: Engines.hasPostgres, "\(Engines.noPostgres)")) struct SharedMovingTests {
    private let folder: TemporaryFolder
    private let scene: SweepScene

    init() throws {
        folder = try TemporaryFolder.inMemory()
        scene = try SweepScene()
    }

    private func openVault() async throws -> Vault {
        try await Vault.open(
            at: folder.path("vault"), settings: .small, clock: scene.clock, logger: StoreFixture.quiet)
    }

    @Test func `a store on a disk moves into database and bucket while it is served`() async throws {
        let source = try await openVault()
        var life = StoreLife(clock: scene.clock)
        let large = content(500, count: 20 << 20)
        try await life.begin(on: source)
        try await source.upload(large, owner: secret(1), subject: "carl")
        try await scene.withNode { sink async throws in
            let records = try VaultRecords.open(at: folder.path("vault"))
            let copy = StoreCopy(from: records, to: sink) { sink.now() }
            let first = try await copy.round()
            #expect(first.blobs == 15 && first.blobsChanged == 15 && first.bytesCopied == 12_000 + 20 << 20)
            #expect(try await copy.round().isSame)
            try await life.goOn(on: source)
            _ = try await copy.round()
            let expected = try await life.answers(from: source)
            await source.close()
            _ = try await copy.round(isLast: true)
            #expect(try await copy.round(isLast: true).isSame)
            await records.close()
            let differences = try await life.answers(from: sink).differences(from: expected)
            #expect(differences == [])
            #expect(try await sink.fetch(address(of: large)) == .held(large))
            #expect(try await sink.check().isClean)
            _ = try await sink.collect()
            let strays = try scene.strays()
            #expect(strays.objects.isEmpty && strays.rows.isEmpty)
        }
        try scene.expectExactSums()
    }

    @Test func `a shared store moves onto a disk, once no other node serves it`() async throws {
        let node = try await scene.open("serving")
        var life = StoreLife(clock: scene.clock)
        let large = content(500, count: 20 << 20)
        try await life.begin(on: node)
        try await node.upload(large, owner: secret(1), subject: "carl")
        let sink = try await openVault()
        let source = try await scene.open("copying")
        let copy = StoreCopy(from: source, to: sink) { sink.now() }
        let first = try await copy.round()
        #expect(first.blobsChanged == 15 && first.bytesCopied == 12_000 + 20 << 20)
        try await life.goOn(on: node)
        _ = try await copy.round()
        await #expect(throws: StoreError.self, "it is served") { _ = try await copy.round(isLast: true) }
        let expected = try await life.answers(from: node)
        await node.close()
        _ = try await copy.round(isLast: true)
        #expect(try await copy.round(isLast: true).isSame)
        await source.close()
        let differences = try await life.answers(from: sink).differences(from: expected)
        #expect(differences == [])
        #expect(try await sink.fetch(address(of: large)) == .held(large))
        #expect(try await sink.check().isClean)
        await sink.close()
        let charges = try Charges(ofStore: folder.path("vault"))
        #expect(charges.charged == charges.owed)
    }

    @Test func `what is damaged is damaged there too, and heals there`() async throws {
        let source = try await openVault()
        for seed in 1...2 { try await source.upload(content(seed), owner: secret(seed)) }
        try Harm.flipped.inflict(onFile: source.folders.blob(address(of: content(1))))
        try await scene.withNode { sink async throws in
            let records = try VaultRecords.open(at: folder.path("vault"))
            let copy = StoreCopy(from: records, to: sink) { sink.now() }
            #expect(try await copy.round().damaged == 1)
            await records.close()
            #expect(try await sink.fetch(address(of: content(1))) == .damaged)
            try await sink.upload(content(1), owner: secret(9))
            #expect(try await sink.fetch(address(of: content(1))) == .held(content(1)))
            #expect(try await sink.lease(on: address(of: content(1)), owner: secret(1)).state == .held)
            #expect(try await sink.fetch(address(of: content(2))) == .held(content(2)))
        }
        await source.close()
    }

    @Test func `nothing is copied over something, nor over what others serve`() async throws {
        let empty = try await openVault()
        try await scene.withNode("old") { old async throws in
            try await old.upload(content(1), owner: secret(1))
            let mixedUp = StoreCopy(from: empty, to: old) { old.now() }
            await #expect(throws: StoreError.self) { _ = try await mixedUp.round() }
            #expect(try await old.fetch(address(of: content(1))) == .held(content(1)))
            try await empty.upload(content(2), owner: secret(2))
            try await scene.withNode("served") { _ async throws in
                await #expect(throws: StoreError.self) { _ = try await mixedUp.round() }
            }
            #expect(try await old.fetch(address(of: content(1))) == .held(content(1)))
        }
        await empty.close()
    }

    @Test func `what only the new store has goes, however much of it there is`() async throws {
        let source = try await openVault()
        try await source.upload(content(700), owner: secret(1))
        try await scene.withNode { sink async throws in
            for seed in 0..<30 { try await sink.upload(content(seed, count: 100), owner: secret(1)) }
            let copy = StoreCopy(from: source, to: sink) { sink.now() }
            let report = try await copy.round()
            #expect(report.blobsDropped == 30 && report.blobsChanged == 1)
            #expect(try await copy.round().isSame)
            #expect(try await sink.fetch(address(of: content(700))) == .held(content(700)))
        }
        await source.close()
        try scene.expectExactSums()
    }
}

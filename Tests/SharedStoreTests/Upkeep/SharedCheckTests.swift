import Blobs
import MemoryObjects
import Objects
import SharedStore
import Store
import StoreTestSupport
import TestEngines
import Testing

/// Checks that do not read everything, and damage that turns out to be none.
@Suite(.enabled(if: Engines.hasPostgres, "\(Engines.noPostgres)")) struct SharedCheckTests {
    @Test func `a check that reads nothing finds what is missing or cut, and asks for few sizes`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        try await scene.withNode(objects: objects) { node async throws in
            for seed in 1...20 { try await node.upload(content(seed), owner: secret(seed)) }
            let large = content(21, count: 9 << 20)
            try await node.upload(large, owner: secret(21))
            func harm(_ seed: Int, _ harm: (inout [UInt8]?) -> Void) throws {
                let name = try #require(try scene.place.objects(of: address(of: content(seed))).first)
                harm(&scene.place.bucket[name])
            }
            try harm(1) { $0 = nil }
            try harm(2) { $0?.removeLast() }
            try harm(3) { $0?[7] ^= 1 }
            let tail = try #require(try scene.place.objects(of: address(of: large)).last)
            scene.place.bucket[tail] = nil
            let (gets, sizes) = (objects.calls(.get), objects.calls(.size))
            let report = try await node.check(CheckOptions(readPercent: 0))
            #expect(report.blobsChecked == 21 && report.findingCount == 3)
            let kinds = Dictionary(uniqueKeysWithValues: report.findings.map { ($0.name, $0.kind) })
            #expect(kinds[address(of: content(1)).hex] == .missing && kinds[address(of: large).hex] == .missing)
            #expect(kinds[address(of: content(2)).hex] == .wrongSize)
            #expect(objects.calls(.get) == gets && objects.calls(.size) - sizes <= 8)
            let whole = try await node.check(CheckOptions(repair: true, readPercent: 100))
            #expect(whole.findingCount == 4 && whole.repairedCount == 4)
            #expect(try await node.readings().damaged.count == 4)
            #expect(try await node.check().isClean)
        }
    }

    @Test func `a size in a row that no object can have is damage like any other`() async throws {
        let scene = try SweepScene()
        let large = content(1, count: 20 << 20)
        try await scene.withNode { node async throws in
            try await node.upload(large, owner: secret(1))
            try await node.upload(content(2), owner: secret(2))
            try scene.place.ask("UPDATE satchel.object SET size = 9223372036854775807")
            for options in [CheckOptions(), CheckOptions(readPercent: 0), CheckOptions(repair: true)] {
                let report = try await node.check(options)
                #expect(report.findings.map(\.kind) == [.wrongSize] && report.blobsChecked == 2)
            }
            #expect(try await node.fetch(address(of: large)) == .damaged)
            #expect(try await node.fetch(address(of: content(2))) == .held(content(2)))
        }
    }

    @Test func `an answer that was wrong once is no damage`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        try await scene.withNode(objects: objects) { node async throws in
            try await node.upload(content(1), owner: secret(1))
            for fault in [MemoryObjects.Fault.flip, .shorten, .forget] {
                objects.fail(.get, with: fault, times: 1)
                #expect(try await node.check(CheckOptions(repair: true)).isClean, "\(fault)")
            }
            objects.fail(.get, with: .unavailable)
            await #expect(throws: StoreError.self, "no answer is none") {
                _ = try await node.check(CheckOptions(repair: true))
            }
            objects.heal()
            #expect(try await node.fetch(address(of: content(1))) == .held(content(1)))
        }
    }

    @Test func `an object that is not returned is told of, hinders no other, and is not given up`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        try await scene.withNode(objects: objects) { node async throws in
            for seed in 1...3 { try await node.upload(content(seed), owner: secret(seed)) }
            objects.withhold(try #require(try scene.place.objects(of: address(of: content(1))).first))
            let missing = try #require(try scene.place.objects(of: address(of: content(2))).first)
            scene.place.bucket[missing] = nil
            let report = try await node.check(CheckOptions(repair: true))
            #expect(report.blobsChecked == 3 && report.repairedCount == 1)
            #expect(Set(report.findings.map(\.kind)) == [.unreadable, .missing])
            try await node.scrub(bytesPerSecond: 1 << 30) { 0 }
            #expect(try await node.scrubHistory().last?.blobs == 2)
            objects.heal()
            #expect(try await node.fetch(address(of: content(1))) == .held(content(1)))
        }
    }

    @Test func `the same bytes anew take the damaged object's place, and that goes`() async throws {
        let scene = try SweepScene()
        try await scene.withNode { node async throws in
            let blob = try await node.upload(content(1), owner: secret(1)).address
            let object = try #require(try scene.place.objects(of: blob).first)
            scene.place.bucket[object]?[5] ^= 1
            #expect(try await node.check(CheckOptions(repair: true)).repairedCount == 1)
            #expect(try await node.fetch(blob) == .damaged)
            #expect(try await node.upload(content(1), owner: secret(2)).isNew)
            #expect(try await node.fetch(blob) == .held(content(1)))
            _ = try await node.collect()
            #expect(scene.place.bucket[object] == nil && scene.objects.count == 1)
            #expect(try await node.check().isClean)
        }
    }
}

import Blobs
import Crypto
import MemoryObjects
import Objects
import SharedStore
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

/// Uploads that outlive their requests, and the nodes that these come to.
@Suite struct SharedResumingTests {
    private static let full = Int(ObjectRow.limitBytes)

    @Test func `any node goes on, and one that has not seen all bytes reads them once`() async throws {
        let scene = try SweepScene()
        let bytes = content(1, count: 20 << 20)
        try await scene.withNode("a") { first async throws in
            let objects = MemoryObjects(on: scene.place.bucket)
            try await scene.withNode("b", objects: objects) { second async throws in
                let id = try await first.create(bytes, owner: secret(1)).id
                try await first.bring(bytes[..<(9 << 20)], to: id, at: 0)
                #expect(try await second.offset(of: id) == 9 << 20)
                try await second.bring(bytes[(9 << 20)...], to: id, at: 9 << 20)
                let count = try scene.place.objects(of: id).count
                let reads = objects.calls(.get)
                let blob = try await second.finish(id, at: 20 << 20)
                #expect(blob.address == address(of: bytes) && blob.isNew)
                #expect(objects.calls(.get) - reads == count)
                #expect(try await first.upload(id).blob?.address == blob.address)
                #expect(try await first.fetch(blob.address) == .held(bytes))
            }
        }
        let (strayObjects, strayRows) = try scene.strays()
        #expect(strayObjects.isEmpty && strayRows.isEmpty)
    }

    @Test func `a node that saw all bytes reads none of them again`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        let bytes = content(2, count: 9 << 20)
        try await scene.withNode(objects: objects) { node async throws in
            let id = try await node.create(bytes).id
            for start in [0, 3 << 20, 6 << 20] {
                try await node.bring(bytes[start..<start + 3 << 20], to: id, at: Int64(start))
            }
            _ = try await node.finish(id, at: 9 << 20)
            #expect(objects.calls(.get) == 1, "whose bucket it is")
        }
    }

    @Test func `a request that another node has overtaken changes nothing any more`() async throws {
        let scene = try SweepScene()
        let bytes = content(3, count: 30 << 20)
        try await scene.withNodes(2) { nodes async throws in
            let id = try await nodes[0].create(bytes).id
            let old = try await nodes[0].session(id, at: 0)
            try await old.append(Array(bytes[..<(9 << 20)]))
            // What it has made durable by then counts, and is told.
            let told = try await nodes[1].offset(of: id)
            #expect(told == 0 || told == Self.full)
            let new = try await nodes[1].session(id, at: told)
            await #expect(throws: StoreError.superseded) {
                try await old.append(content(9, count: 20 << 20))
                _ = try await old.pause()
            }
            await #expect(throws: StoreError.superseded) { try await old.append([1]) }
            try await new.append(Array(bytes[Int(told)...]))
            #expect(try await new.commit().address == address(of: bytes))
            await #expect(throws: StoreError.superseded) { _ = try await old.commit() }
            #expect(try await nodes[0].fetch(address(of: bytes)) == .held(bytes))
        }
    }

    @Test func `a request that was overtaken while it read does not drop what it misses`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        let bytes = content(4, count: 200_000)
        try await scene.withNode("slow", objects: objects) { slow async throws in
            try await scene.withNode("quick") { quick async throws in
                let id = try await quick.create(bytes).id
                try await quick.bring(bytes, to: id, at: 0)
                let name = try #require(try scene.place.objects(of: id).first)
                let old = try await slow.session(id, at: 200_000)
                objects.fail(.get, with: .hang, times: 1)
                let end = Task { try await old.commit() }
                try await eventually { objects.hangingCount == 1 }
                _ = try await quick.upload(id)
                let kept = scene.place.bucket[name]
                scene.place.bucket[name] = nil
                objects.release()
                await #expect(throws: StoreError.notFound) { _ = try await end.value }
                scene.place.bucket[name] = kept
                #expect(try await quick.finish(id, at: 200_000).address == address(of: bytes))
            }
        }
    }

    @Test func `an answer that was wrong once ends no upload`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        let bytes = content(5, count: 200_000)
        try await scene.withNode("a") { first async throws in
            let id = try await first.create(bytes).id
            try await first.bring(bytes, to: id, at: 0)
            try await scene.withNode("b", objects: objects) { second async throws in
                objects.fail(.get, with: .flip, times: 1)
                #expect(try await second.finish(id, at: 200_000).address == address(of: bytes))
            }
        }
    }

    @Test func `requests at two nodes that end the same upload make one blob of it`() async throws {
        let scene = try SweepScene()
        try await scene.withNodes(2) { nodes async throws in
            for seed in 0..<10 {
                let bytes = content(seed, count: 5000)
                let id = try await nodes[0].create(bytes, owner: secret(seed)).id
                try await nodes[0].bring(bytes, to: id, at: 0)
                let ends = await withTaskGroup(of: StoredBlob?.self) { group in
                    for node in nodes { group.addTask { try? await node.finish(id, at: 5000) } }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(ends.compactMap { $0 }.count <= 1)
                let upload = try await nodes[1].upload(id)
                if upload.isOpen { _ = try await nodes[1].finish(id, at: 5000) }
                #expect(try await nodes[0].fetch(address(of: bytes)) == .held(bytes))
            }
        }
        try scene.expectExactSums()
    }

    // MARK: Few bytes

    @Test func `a client that sends byte by byte leaves few objects`() async throws {
        let scene = try SweepScene()
        let bytes = content(4, count: 50)
        try await scene.withNodes(2) { nodes async throws in
            let id = try await nodes[0].create(bytes).id
            for index in bytes.indices {
                try await nodes[index % 2].bring(bytes[index...index], to: id, at: Int64(index))
                let count = try scene.place.objects(of: id).count
                #expect(count <= 16)
            }
            let blob = try await nodes[0].finish(id, at: 50)
            #expect(try await nodes[1].fetch(blob.address) == .held(bytes))
            _ = try await nodes[0].collect()
        }
        let (strayObjects, strayRows) = try scene.strays()
        #expect(strayObjects.isEmpty && strayRows.isEmpty, "those that were merged are gone")
    }

    @Test func `where one object has all bytes, the blob names it, and there is no list`() async throws {
        let scene = try SweepScene()
        let bytes = content(5, count: 5000)
        try await scene.withNode { node async throws in
            let id = try await node.create(bytes).id
            try await node.bring(bytes, to: id, at: 0)
            let object = try scene.place.objects(of: id)
            _ = try await node.finish(id, at: 5000)
            #expect(try scene.place.objects(of: address(of: bytes)) == object)
            #expect(
                try scene.count("object") == 0 && scene.number("SELECT count(*) FROM satchel.blob WHERE listed") == 0)
            let none = try await node.create([]).id
            #expect(try await node.finish(none, at: 0).size == 0)
            #expect(try await node.fetch(address(of: [])) == .held([]))
            _ = try await node.collect()
            #expect(try await node.fetch(address(of: bytes)) == .held(bytes))
        }
    }

    // MARK: What fails

    @Test func `bytes with a wrong checksum leave neither rows nor objects, however many`() async throws {
        let scene = try SweepScene()
        let bytes = content(6, count: 9 << 20)
        try await scene.withNode { node async throws in
            let id = try await node.create(bytes).id
            let right = try #require(UploadChecksum(.sha256, digest: Array(SHA256.hash(data: bytes))))
            let wrong = try #require(UploadChecksum(.sha256, digest: Array(SHA256.hash(data: [1]))))
            let session = try await node.session(id, at: 0, checksum: wrong)
            try await session.append(bytes)
            await #expect(throws: StoreError.wrongChecksum) { _ = try await session.pause() }
            #expect(try await node.offset(of: id) == 0)
            #expect(try scene.place.objects(of: id).isEmpty)
            try await eventually { scene.objects.isEmpty }
            let again = try await node.session(id, at: 0, checksum: right)
            try await again.append(bytes)
            #expect(try await again.commit().address == address(of: bytes))
        }
    }

    @Test(arguments: [true, false]) func `an upload that lost bytes is gone where that is noticed`(isCut: Bool)
        async throws
    {
        let scene = try SweepScene()
        let bytes = content(7, count: 9 << 20)
        try await scene.withNodes(2) { nodes async throws in
            let id = try await nodes[0].create(bytes).id
            try await nodes[0].bring(bytes, to: id, at: 0)
            let object = try scene.place.objects(of: id)[0]
            scene.place.bucket[object] = isCut ? Array(bytes[..<100]) : nil
            await #expect(throws: StoreError.notFound) { _ = try await nodes[1].finish(id, at: 9 << 20) }
            await #expect(throws: StoreError.notFound) { _ = try await nodes[0].upload(id) }
            #expect(try await nodes[0].quotaUsage(of: "somebody").uploads == 0)
        }
    }

    @Test func `an object store that fails costs no byte that was told, and the upload goes on`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        let bytes = content(8, count: 20 << 20)
        try await scene.withNode(objects: objects) { node async throws in
            let id = try await node.create(bytes).id
            try await node.bring(bytes[..<1000], to: id, at: 0)
            objects.fail(.put, with: .unavailable)
            await #expect(throws: StoreError.self) { try await node.bring(bytes[1000...], to: id, at: 1000) }
            #expect(try await node.offset(of: id) == 1000)
            objects.fail(.put, with: .full)
            await #expect(throws: StoreError.diskFull) { try await node.bring(bytes[1000..<2000], to: id, at: 1000) }
            objects.heal()
            #expect(try await node.offset(of: id) == 1000)
            try await node.bring(bytes[1000...], to: id, at: 1000)
            _ = try await node.finish(id, at: 20 << 20)
            #expect(try await node.fetch(address(of: bytes)) == .held(bytes))
        }
    }

    // MARK: Limits over all nodes

    @Test func `a subject keeps no more uploads than it may, whatever nodes it asks`() async throws {
        var scene = try SweepScene()
        scene.settings.openUploadsPerSubject = 8
        try await scene.withNodes(3) { nodes async throws in
            let kept = await withTaskGroup(of: Bool.self) { group in
                for seed in 0..<45 {
                    group.addTask { (try? await nodes[seed % 3].create(content(seed))) != nil }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            // Those that ask at once on one node count against each other for a moment.
            var count = kept
            while count < 8, (try? await nodes[0].create(content(100))) != nil { count += 1 }
            #expect(count == 8)
            await #expect(throws: StoreError.noPlaceOfSubject) { _ = try await nodes[1].create(content(101)) }
            for node in nodes { #expect(try await node.quotaUsage(of: "somebody").uploads == 8) }
        }
    }

    @Test func `what uploads without a length bring through all nodes never exceeds the quota`() async throws {
        var scene = try SweepScene()
        let limit: Int64 = 1 << 20
        scene.settings.bytesPerSubject = limit
        try await scene.withNodes(3) { nodes async throws in
            var ids: [UploadID] = []
            for seed in 0..<9 { ids.append(try await nodes[0].create(content(seed), announcesLength: false).id) }
            let offsets = try await withThrowingTaskGroup(of: Int64.self) { group in
                for (seed, id) in ids.enumerated() {
                    group.addTask {
                        for round in 0..<5 {
                            let node = nodes[(seed + round) % 3]
                            let offset = try await node.offset(of: id)
                            do { try await node.bring(content(seed, count: 1 << 16), to: id, at: offset) } catch {
                                let full = StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 60)
                                #expect(error as? StoreError == full)
                                break
                            }
                        }
                        return try await nodes[0].offset(of: id)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(offsets.reduce(0, +) <= limit && offsets.contains { $0 > 0 }, "\(offsets)")
            #expect(try await nodes[1].quotaUsage(of: "somebody").reservedBytes == offsets.reduce(0, +))
            await #expect(throws: StoreError.self, "what was brought counts everywhere") {
                try await nodes[2].upload(content(99, count: Int(limit)), owner: secret(99))
            }
        }
    }
}

import Blobs
import Objects
import StoreRules
import TestSupport
import Testing

/// What every kind of store does for this client.
@Suite(.enabled(if: !StoreKind.all.isEmpty, Comment(rawValue: StoreKind.missing)))
struct S3ObjectsTests {
    @Test(arguments: StoreKind.all)
    func `what was put there is got back, whole and in parts`(_ kind: StoreKind) async throws {
        let objects = try kind.engine().objects()
        for size in [0, 1, 100_000, Int(ObjectRow.limitBytes)] {
            let bytes = makeBytes(size) { UInt8(truncatingIfNeeded: $0 &* 7 &+ ($0 >> 8)) }
            let name = newName()
            #expect(try await objects.get(name, range: nil) == nil)
            #expect(try await objects.size(of: name) == nil)
            try await objects.put(bytes, as: name, digest: BlobAddress(of: bytes))
            // Again does no harm.
            try await objects.put(bytes, as: name, digest: BlobAddress(of: bytes))
            #expect(try await objects.size(of: name) == Int64(size))
            #expect(try await objects.get(name, range: nil) == bytes)
            guard let range = ByteRange(offset: Int64(size / 3), count: Int64(size / 2), within: Int64(size)) else {
                continue
            }
            #expect(try await objects.get(name, range: range) == Array(bytes[Int(range.offset)..<Int(range.end)]))
        }
        await objects.close()
    }

    @Test(arguments: StoreKind.all)
    func `of a range beyond the end there is what the object has`(_ kind: StoreKind) async throws {
        let objects = try kind.engine().objects()
        let (name, bytes) = (newName(), Array("0123456789".utf8))
        try await objects.put(bytes, as: name, digest: BlobAddress(of: bytes))
        #expect(try await objects.get(name, range: ByteRange(offset: 7, count: 9, within: 100)) == Array("789".utf8))
        #expect(try await objects.get(name, range: ByteRange(offset: 10, count: 1, within: 100)) == [])
        #expect(try await objects.get(name, range: ByteRange(offset: 50, count: 5, within: 100)) == [])
        await objects.close()
    }

    @Test(arguments: StoreKind.all)
    func `bytes with another digest are not taken`(_ kind: StoreKind) async throws {
        let objects = try kind.engine().objects()
        let name = newName()
        await #expect(throws: ObjectError.self) {
            try await objects.put(Array("some".utf8), as: name, digest: BlobAddress(of: Array("other".utf8)))
        }
        #expect(try await objects.size(of: name) == nil)
        await objects.close()
    }

    @Test(arguments: StoreKind.all)
    func `names are listed in order, page by page, below a folder and behind a name`(_ kind: StoreKind) async throws {
        let objects = try kind.engine().objects()
        let now = wallClock()()
        let ids = (0..<1205).map { _ in ObjectID.new(at: now) }
        try await withThrowingTaskGroup { group in
            for id in ids {
                group.addTask { try await objects.put(id.bytes, as: ObjectName(id), digest: BlobAddress(of: id.bytes)) }
            }
            try await group.waitForAll()
        }
        let names = ids.map { ObjectName($0).text }.sorted()
        #expect(try await all("", in: objects) == names)
        #expect(try await all("v1/", in: objects) == names)
        let folder = ObjectName.folder(lastByte: ids[0].bytes[15], hour: now)
        #expect(try await all(folder, in: objects) == names.filter { $0.hasPrefix(folder) })
        #expect(try await all("v1/nothing/", in: objects) == [])
        let page = try await objects.list("v1/", after: names[1200])
        #expect(page.objects.map(\.name) == Array(names[1201...]))
        #expect(page.objects.allSatisfy { $0.size == 16 })
        #expect(page.isLast)
        // Those of others are not there.
        let others = try kind.engine().objects()
        #expect(try await all("", in: others) == [])
        // A thousand go at once, and are gone.
        let targets = names.compactMap { ObjectName(listed: $0) }
        #expect(targets.count == names.count)
        #expect(try await objects.remove(Array(targets.prefix(1000))) == [])
        #expect(try await all("", in: objects) == Array(names.suffix(205)))
        #expect(try await objects.remove(Array(targets.suffix(205)) + Array(targets.prefix(10))) == [])
        #expect(try await all("", in: objects) == [])
        for client in [objects, others] { await client.close() }
    }

    private func all(_ folder: String, in objects: S3Objects) async throws -> [String] {
        var names: [String] = []
        while true {
            let page = try await objects.list(folder, after: names.last)
            names += page.objects.map(\.name)
            if page.isLast { return names }
        }
    }

    @Test(arguments: StoreKind.all)
    func `the check before a store opens finds nothing wrong, and leaves nothing`(_ kind: StoreKind) async throws {
        let objects = try kind.engine().objects()
        try await objects.check(with: .new(at: wallClock()()))
        #expect(try await objects.list("", after: nil).objects == [])
        await objects.close()
    }

    @Test(arguments: StoreKind.all)
    func `wrong keys, and a bucket that is not there, are refused in words`(_ kind: StoreKind) async throws {
        let engine = try kind.engine()
        let id = ObjectID.new(at: wallClock()())
        let wrongKey = try engine.objects(secretKey: "another")
        await #expect(throws: ObjectError.self) { try await wrongKey.check(with: id) }
        let wrongBucket = try engine.objects(bucket: "nowhere")
        for (objects, words) in [(wrongKey, "SignatureDoesNotMatch"), (wrongBucket, "there is no bucket nowhere")] {
            do {
                try await objects.check(with: id)
                Issue.record("it is taken for right")
            } catch {
                guard case .refused(let why) = error else {
                    Issue.record(error)
                    continue
                }
                #expect(why.contains(words))
            }
            await objects.close()
        }
    }

    @Test(arguments: StoreKind.all, [-16 * 60, 16 * 60])
    func `a machine whose clock is wrong signs by the store's`(_ kind: StoreKind, _ ahead: Int64) async throws {
        let objects = try kind.engine().objects(ahead: ahead)
        let (name, bytes) = (newName(), Array("0123456789".utf8))
        try await objects.put(bytes, as: name, digest: BlobAddress(of: bytes))
        #expect(try await objects.get(name, range: nil) == bytes)
        await objects.close()
    }
}

import BlobFiles
import Blobs
import CacheFolder
import Files
import MemoryObjects
import Objects
import SharedCatalog
import Store
import StoreRules
import TestSupport
import Testing

@testable import SharedStore

/// What a node reads from the object store, keeps near itself, and gives to whoever reads.
@Suite struct ReadCacheTests {
    /// Sizes of blobs in one object: in memory, in a file that is hashed whenever it is opened, in a larger one.
    private static let sizes = [0, 1, 32 << 10, (32 << 10) + 1, 300_000, 2_500_000]
    private static let pieces = [700_000, 1, 1_000_000, 300_000]

    // MARK: Reading

    @Test(arguments: sizes)
    func `a blob of one object is read as it is, and once for all who ask`(size: Int) async throws {
        let scene = try ReadScene()
        let bytes = sample(1, count: size)
        let found = try await scene.hold(bytes)
        for _ in 0..<3 { #expect(try await scene.read(found) == bytes) }
        // What is small is kept by whoever reads it.
        #expect(scene.objects.calls(.get) == (size == 0 ? 0 : size <= 32 << 10 ? 3 : 1))
        _ = await scene.close()
    }

    @Test func `a range brings the objects that it touches, each whole, and no others`() async throws {
        let scene = try ReadScene()
        let bytes = sample(2, count: Self.pieces.reduce(0, +))
        let found = try await scene.hold(bytes, pieces: Self.pieces)
        let content = try await scene.content(of: found, for: .range(700_000..<700_001))
        #expect(scene.objects.calls(.get) == 1)
        #expect(try await content.read(700_000..<700_001, for: .ranges) == [bytes[700_000]])
        #expect(scene.objects.calls(.get) == 1)
        // Over three objects, of which one is here.
        #expect(try await content.read(699_000..<701_000, for: .ranges) == Array(bytes[699_000..<701_000]))
        #expect(scene.objects.calls(.get) == 3)
        #expect(content.resident(at: 0, count: 1000) == Array(bytes[..<1000]))
        #expect(content.resident(at: 1_700_001, count: 1000).isEmpty, "nobody has asked for the last object")
        // Only what is here, up to the first byte that is not.
        #expect(content.resident(at: 1_700_000, count: 1000) == [bytes[1_700_000]])
        #expect(try await content.read(0..<2_000_001, for: .ranges) == bytes)
        #expect(scene.objects.calls(.get) == 4)
        _ = await scene.close()
    }

    @Test func `many readers of the same bytes cause one request for each object`() async throws {
        let scene = try ReadScene()
        let bytes = sample(3, count: Self.pieces.reduce(0, +))
        let (large, small) = (
            try await scene.hold(bytes, pieces: Self.pieces), try await scene.hold(sample(4, count: 1000))
        )
        scene.objects.fail(.get, with: .hang, times: 2)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask { try await scene.read(large) == bytes }
                group.addTask { try await scene.read(small) == sample(4, count: 1000) }
            }
            try await eventually { scene.objects.hangingCount == 2 }
            // All of them are there, or on their way.
            try await Task.sleep(for: .milliseconds(50))
            scene.objects.release()
            for try await isRight in group { #expect(isRight) }
        }
        // Whoever came too late for the small one, of which nothing is kept, asked for it again.
        #expect(scene.objects.calls(.get) <= Self.pieces.count + 20)
        let name = try #require(scene.names(of: small).first)
        #expect(scene.objects.objects[name.text] != nil)
        _ = await scene.close()
    }

    @Test func `whoever reads a file by its descriptor gets no byte before it is here`() async throws {
        let scene = try ReadScene()
        let bytes = sample(5, count: 2_000_001)
        let found = try await scene.hold(bytes, pieces: Self.pieces)
        let content = try await scene.content(of: found, for: .ranges)
        let descriptor = try #require(content.openDescriptor())
        let file = OpenFile(owning: descriptor, path: "the blob")
        var offset: Int64 = 0
        while let rest = ByteRange(offset: offset, count: 2_000_001 - offset, within: 2_000_001) {
            let count = try await content.fetch(rest, atMost: 1 << 20, for: .whole)
            try #require(count > 0 && count <= 1 << 20)
            var piece = [UInt8](repeating: 0, count: count)
            #expect(try file.read(into: &piece, at: offset) == count)
            #expect(piece == Array(bytes[Int(offset)..<Int(offset) + count]))
            offset += Int64(count)
        }
        _ = await scene.close()
    }

    // MARK: Objects that are not as they should be

    enum Harm: CaseIterable {
        case gone, cut, flipped
    }

    @Test(arguments: Harm.allCases, [1000, 300_000])
    func `an object that is gone, cut or changed is looked at twice, and never given away`(
        harm: Harm, size: Int
    ) async throws {
        let scene = try ReadScene()
        let bytes = sample(6, count: size)
        let found = try await scene.hold(bytes)
        let name = try #require(scene.names(of: found).first)
        scene.objects.set(Self.harmed(bytes, harm), as: name)
        await #expect(throws: StoreError.damaged) { _ = try await scene.content(of: found) }
        #expect(scene.objects.calls(.get) == 2 && scene.looks == 2)
        #expect(scene.suspects.take() == [found.row.address])
        // Healed by the same bytes in a new object.
        let healed = try await scene.hold(bytes)
        #expect(try await scene.read(healed) == bytes)
        _ = await scene.close()
    }

    @Test(arguments: Harm.allCases)
    func `an object that is as it should be at the second look is nobody's trouble`(harm: Harm) async throws {
        let scene = try ReadScene()
        let bytes = sample(7, count: 300_000)
        let found = try await scene.hold(bytes)
        let fault: MemoryObjects.Fault =
            switch harm {
            case .gone: .forget
            case .cut: .shorten
            case .flipped: .flip
            }
        scene.objects.fail(.get, with: fault, times: 1)
        #expect(try await scene.read(found) == bytes)
        #expect(scene.suspects.take().isEmpty)
        _ = await scene.close()
    }

    @Test(arguments: [nil, [150_000, 150_000], [1, 299_999]] as [[Int]?])
    func `bytes that have got new objects are read from those, however they are cut`(pieces: [Int]?) async throws {
        let scene = try ReadScene()
        let bytes = sample(8, count: 300_000)
        let old = try await scene.hold(bytes, pieces: [100_000, 100_000, 100_000])
        let content = try await scene.content(of: old, for: .range(0..<10))
        // Somebody uploads them again, and the old ones are removed.
        try await scene.hold(bytes, pieces: pieces)
        for name in scene.names(of: old) { scene.objects.set(nil, as: name) }
        #expect(try await content.read(0..<300_000, for: .whole) == bytes)
        #expect(scene.suspects.take().isEmpty)
        _ = await scene.close()
    }

    @Test func `a reader in the middle of a blob that ends is told so, and what is here stays readable`() async throws {
        let scene = try ReadScene()
        let bytes = sample(9, count: 300_000)
        let found = try await scene.hold(bytes, pieces: [100_000, 200_000])
        let content = try await scene.content(of: found, for: .range(0..<10))
        var row = found.row
        (row.state, row.reason, row.sunset) = (.gone, .revoked, nil)
        scene.note(FoundBlob(row: row, object: nil, parts: []))
        for name in scene.names(of: found) { scene.objects.set(nil, as: name) }
        scene.cache.forget(row.address)
        #expect(try await content.read(0..<100_000, for: .ranges) == Array(bytes[..<100_000]))
        await #expect(throws: StoreError.gone(.revoked)) {
            _ = try await content.read(100_000..<100_001, for: .ranges)
        }
        _ = await scene.close()
    }

    @Test(arguments: [MemoryObjects.Fault.unavailable, .refuse, .fail])
    func `what is here is read while the object store does not answer, and nothing else`(
        fault: MemoryObjects.Fault
    ) async throws {
        let scene = try ReadScene()
        let (here, elsewhere) = (
            try await scene.hold(sample(10, count: 100_000)), try await scene.hold(sample(11, count: 100_000))
        )
        #expect(try await scene.read(here) == sample(10, count: 100_000))
        scene.objects.fail(.get, with: fault)
        #expect(try await scene.read(here) == sample(10, count: 100_000))
        await #expect {
            _ = try await scene.content(of: elsewhere)
        } throws: { if case StoreError.unavailable = $0 { true } else { false } }
        #expect(scene.suspects.take().isEmpty, "that an object cannot be asked for says nothing of it")
        scene.objects.heal()
        #expect(try await scene.read(elsewhere) == sample(11, count: 100_000))
        _ = await scene.close()
    }

    // MARK: Room

    @Test func `what needs room takes that of others, and an open file stays readable`() async throws {
        var settings = SharedStoreSettings()
        (settings.keepFreeBytes, settings.cacheBytes) = (0, 1 << 20)
        let scene = try ReadScene(settings: settings)
        let all = (0..<12).map { sample(20 + $0, count: 200_000) }
        var open: [any BlobContent] = []
        for bytes in all {
            let content = try await scene.content(of: try await scene.hold(bytes))
            #expect(try await content.read(0..<200_000, for: .whole) == bytes)
            open.append(content)
        }
        try await eventually { scene.cache.disk.holdings.blobs == 5 }
        #expect(scene.cache.disk.holdings.bytes <= 1 << 20)
        for (content, bytes) in zip(open, all) {
            #expect(try await content.read(0..<200_000, for: .whole) == bytes)
        }
        #expect(scene.objects.calls(.get) == all.count)
        _ = await scene.close()
    }

    @Test func `a blob that is too large to be kept is read all the same`() async throws {
        var settings = SharedStoreSettings()
        (settings.keepFreeBytes, settings.cacheBytes) = (0, 1 << 20)
        let scene = try ReadScene(settings: settings)
        let bytes = sample(13, count: 2_000_001)
        let found = try await scene.hold(bytes, pieces: Self.pieces)
        #expect(try await scene.read(found) == bytes)
        try await eventually { scene.objects.calls(.get) == Self.pieces.count }
        #expect(scene.cache.disk.holdings.blobs == 0)
        _ = await scene.close()
    }

    @Test func `where the disk takes nothing readers get their bytes from memory`() async throws {
        var settings = SharedStoreSettings()
        settings.keepFreeBytes = .max
        let scene = try ReadScene(settings: settings)
        let bytes = sample(14, count: 2_000_001)
        let found = try await scene.hold(bytes, pieces: Self.pieces)
        let content = try await scene.content(of: found)
        let all = try #require(ByteRange(offset: 0, count: 2_000_001, within: 2_000_001))
        #expect(try await content.fetch(all, atMost: 1 << 20, for: .whole) == 0)
        #expect(try await content.read(0..<2_000_001, for: .whole) == bytes)
        #expect(scene.objects.calls(.get) == Self.pieces.count, "small parts of an object do not cost a request each")
        #expect(scene.cache.disk.holdings.blobs == 0)
        _ = await scene.close()
    }

    // MARK: Restarts, and what rots

    @Test(arguments: [300_000, 2_500_000], ["one", "two"])
    func `after a restart what is here is served, and hashed before where the machine was restarted`(
        size: Int, boot: String
    ) async throws {
        let (good, spoilt) = (sample(15, count: size), sample(16, count: size))
        let scene = try ReadScene()
        await scene.cache.begin()
        let all = [try await scene.hold(good), try await scene.hold(spoilt)]
        for found in all { _ = try await scene.read(found) }
        try await eventually { scene.cache.disk.holdings.blobs == 2 }
        let folder = await scene.close()
        if boot == "two" {
            let path = "\(folder.path("cache"))/blobs.v1/\(all[1].row.address.shard)/\(all[1].row.address.hex)"
            try OpenFile(path, .read).setPermissions(0o600)
            try OpenFile(path, .update).write([0], at: Int64(size / 2))
        }
        let next = try ReadScene(in: folder, boot: boot)
        await next.cache.begin()
        #expect(next.cache.disk.holdings.blobs == 2)
        let (first, second) = (try await next.hold(good), try await next.hold(spoilt))
        #expect(try await next.read(first) == good)
        #expect(next.objects.calls(.get) == 0)
        #expect(try await next.read(second) == spoilt)
        #expect(next.objects.calls(.get) == (boot == "two" ? 1 : 0))
        _ = await next.close()
    }

    @Test func `a reader who finds bytes wrong has them hashed and fetched again`() async throws {
        let scene = try ReadScene()
        let bytes = sample(17, count: 2_500_000)
        let found = try await scene.hold(bytes)
        _ = try await scene.read(found)
        let address = found.row.address
        try await eventually { scene.cache.disk.entry(of: address) != nil }
        let path = scene.cache.disk.folder.files.folders.blob(address)
        try OpenFile(path, .read).setPermissions(0o600)
        try OpenFile(path, .update).write([0], at: 1_000_000)
        #expect(try await scene.read(found) != bytes, "what is large is not hashed whenever it is opened")
        let again = try await scene.content(of: found, for: .again)
        #expect(try await again.read(0..<2_500_000, for: .whole) == bytes)
        #expect(scene.objects.calls(.get) == 2)
        _ = await scene.close()
    }

    /// What became of the bytes of an object.
    private static func harmed(_ bytes: [UInt8], _ harm: Harm) -> [UInt8]? {
        switch harm {
        case .gone: return nil
        case .cut: return bytes.dropLast()
        case .flipped:
            var bytes = bytes
            bytes[bytes.count / 2] ^= 1
            return bytes
        }
    }
}

import Files
import Foundation
import TestSupport
import Testing

/// The cache of an edge: restarts, rot, room.
@Suite(.timeLimit(.minutes(30)), .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct EdgeDiskTests {
    @Test func `after a kill what was fetched is still here, and a bit that rotted is not served`() async throws {
        let scene = try await EdgeScene()
        var edge = try await scene.edge()
        var blobs: [(String, [UInt8])] = []
        for count in [1000, 50_000, 400_000, 2_000_000] {
            let bytes = EdgeScene.sample(count)
            let address = try await scene.store(bytes)
            #expect(try await scene.get(edge, address).body == bytes)
            try await eventually { try await scene.get(edge, address).cacheStatus == "one; hit" }
            blobs.append((address, bytes))
        }
        await edge.kill()
        let rotten = scene.journey.path("one/blobs.v1/\(blobs[1].0.prefix(2))/\(blobs[1].0)")
        _ = try await run("/bin/chmod", ["u+w", rotten])
        var spoilt = blobs[1].1
        spoilt[777] ^= 4
        try write(spoilt, toFile: rotten)
        _ = try await run("/usr/bin/touch", ["-d", "2035-01-01", rotten])
        _ = try await scene.relay.asked()
        edge = try await scene.edge()
        for (address, bytes) in blobs {
            try await eventually { try await scene.get(edge, address).body == bytes }
        }
        let fetched = try await scene.relay.asked().filter { $0.bytes > 0 && !$0.path.hasPrefix("/changes") }
        #expect(fetched.map(\.path) == ["/\(blobs[1].0)"], "all others are asked about, and not fetched")
        // And once more, after an end as it should be.
        #expect(await edge.stop() == 0)
        edge = try await scene.edge()
        for (address, bytes) in blobs { #expect(try await scene.get(edge, address).body == bytes) }
        #expect(try await scene.relay.asked().filter { $0.bytes > 0 }.isEmpty)
        #expect(await edge.stop() == 0)
    }

    @Test func `a large blob that has rotted is fetched again when somebody complains`() async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge("one", "--scrub-rate", "0")
        let bytes = EdgeScene.sample(3_000_000)
        let address = try await scene.store(bytes)
        #expect(try await scene.get(edge, address).body == bytes)
        try await eventually { try await scene.get(edge, address).cacheStatus == "one; hit" }
        let path = scene.journey.path("one/blobs.v1/\(address.prefix(2))/\(address)")
        _ = try await run("/bin/chmod", ["u+w", path])
        _ = try await run(
            "/bin/dd", ["if=/dev/zero", "of=\(path)", "bs=1", "count=1000", "seek=2000000", "conv=notrunc"])
        #expect(try await scene.get(edge, address).body != bytes, "nobody has noticed yet")
        let again = try await scene.get(edge, address, "-H", "Satchel-Reread: 1", "-r", "2000000-2000999")
        #expect(again.status == 206 && again.body == Array(bytes[2_000_000..<2_001_000]))
        #expect(try await scene.get(edge, address).body == bytes)
        #expect(await edge.stop() == 0)
    }

    @Test func `a cache of another origin is refused, and so is a folder with something else in it`() async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        #expect(await edge.stop() == 0)
        let other = try await run(
            Programs.path("satcheld"),
            [
                "edge", "--listen", "127.0.0.1:0", "--origin", "http://127.0.0.1:1", "--cache",
                scene.journey.path("one"),
            ],
            environment: scene.journey.environment(server: nil))
        #expect(other.status == 74 && other.errors.contains("is a cache of \(scene.relay.url)"), "\(other.errors)")
        try Folder.make(scene.journey.path("taken"))
        try write([1], toFile: scene.journey.path("taken/file"))
        let taken = try await run(
            Programs.path("satcheld"),
            ["edge", "--listen", "127.0.0.1:0", "--origin", scene.relay.url, "--cache", scene.journey.path("taken")],
            environment: scene.journey.environment(server: nil))
        #expect(taken.status == 74 && taken.errors.contains("has other files in it"), "\(taken.errors)")
        #expect(try Folder.names(in: scene.journey.path("taken")).sorted() == ["file", "lock"])
        let none = try await run(
            Programs.path("satcheld"), ["edge"], environment: scene.journey.environment(server: nil))
        #expect(none.status == 64 && none.errors.contains("--origin"), "\(none.errors)")
    }

    @Test func `the cache stays within its size, and what is dropped is fetched again`() async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge("one", "--cache-size", "1000000")
        var addresses: [String] = []
        for _ in 0..<20 {
            addresses.append(try await scene.store(EdgeScene.sample(100_000)))
            #expect(try await scene.get(edge, try #require(addresses.last)).status == 200)
        }
        let stats = try await run(
            Programs.path("satcheld"), ["edge-stats", "--json", "--cache", scene.journey.path("one")],
            environment: scene.journey.environment(server: nil))
        let bytes = try #require(stats.output.firstMatch(of: /"bytes" ?: ?(\d+)/).flatMap { Int($0.output.1) })
        #expect(bytes <= 1_000_000 && bytes > 500_000, "\(stats.output)")
        let dropped = try await run(
            Programs.path("satcheld"), ["edge-drop", "all", "--cache", scene.journey.path("one")],
            environment: scene.journey.environment(server: nil))
        #expect(dropped.status == 0 && dropped.output.hasSuffix("dropped\n"), "\(dropped.errors)")
        _ = try await scene.relay.asked()
        let last = try #require(addresses.last)
        #expect(try await scene.get(edge, last).cacheStatus.contains("fwd=miss"))
        #expect(try await scene.relay.asked(for: last).count == 1)
        #expect(await edge.stop() == 0)
    }
}

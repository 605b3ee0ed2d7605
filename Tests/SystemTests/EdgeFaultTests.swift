import Files
import Foundation
import TestSupport
import Testing

/// An edge whose disk fails, or which dies, in the midst of something.
@Suite(
    .timeLimit(.minutes(30)), .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)),
    .enabled(if: FailingDisk.isPossible, Comment(rawValue: FailingDisk.missing)))
struct EdgeFaultTests {
    /// Verified before it is served, served while it comes in one piece, and in several.
    private static let sizes = [100_000, 400_000, 3_000_000]

    /// As `FailingDisk.fail` takes them.
    static let refusals = [
        "open 5 /parts", "open 28 /parts", "open 30 /parts", "open 24 /parts", "write 5 /parts/", "write 28 /parts/",
        "write 122 /parts/", "read 5 /parts/", "rename 5 /blobs.v1/", "rename 28 /blobs.v1/", "open 5 /blobs.v1/",
        "open 24 /blobs.v1/", "read 5 /blobs.v1/",
    ]

    @Test(arguments: refusals) func `readers notice neither that the disk of the cache fails nor that it recovers`(
        rule: String
    ) async throws {
        let scene = try await EdgeScene()
        let disk = try await FailingDisk()
        let edge = try await scene.edge(on: disk)
        for count in Self.sizes {
            let address = try await scene.store(EdgeScene.sample(count))
            try disk.fail(rule)
            #expect(try await scene.readers(20, of: address, at: edge) == ["right": 20], "\(count)")
            #expect(
                try await scene.readers(20, of: address, at: edge, range: "70000-99999") == ["right": 20], "\(count)")
            try disk.recover()
            try await eventually { try await scene.get(edge, address).cacheStatus == "one; hit" }
            #expect(try await scene.readers(20, of: address, at: edge) == ["right": 20], "\(count)")
            // What is cached already is read past a failing disk too.
            try disk.fail(rule)
            #expect(try await scene.readers(20, of: address, at: edge) == ["right": 20], "\(count)")
            try disk.recover()
        }
        #expect(await edge.stop() == 0)
    }

    /// Each step by which a blob comes into the cache.
    @Test(arguments: ["open 0 /parts/", "write 0 /parts/", "rename 0 /blobs.v1/"])
    func `killed while a blob comes, an edge begins anew and serves what it had`(step: String) async throws {
        let scene = try await EdgeScene()
        let disk = try await FailingDisk()
        var edge = try await scene.edge(on: disk)
        let before = try await fetched(400_000, scene, edge)
        for count in Self.sizes {
            let address = try await scene.store(EdgeScene.sample(count))
            try disk.fail(step)
            let answers = try await scene.readers(20, of: address, at: edge)
            #expect(answers["wrong"] == nil, "\(answers)")
            let status = await edge.command.status()
            #expect(status == -SIGKILL, "\(status)")
            try disk.recover()
            edge = try await scene.edge(on: disk)
            #expect(try Folder.names(in: scene.journey.path("one/parts")).isEmpty)
            #expect(try await scene.readers(20, of: address, at: edge) == ["right": 20], "\(count)")
            _ = try await scene.relay.asked()
            #expect(try await scene.readers(20, of: before, at: edge) == ["right": 20])
            #expect(try await scene.relay.asked(for: before).allSatisfy { $0.bytes == 0 }, "it was here")
        }
        #expect(await edge.stop() == 0)
    }

    /// Each step by which the index is saved.
    @Test(arguments: [
        "sync 0 /blobs.v1", "open 0 /index.new", "write 0 /index.new", "sync 0 /index.new", "rename 0 /index",
    ])
    func `killed while it saves its index, an edge still has its blobs`(step: String) async throws {
        let scene = try await EdgeScene()
        let disk = try await FailingDisk()
        var edge = try await scene.edge(on: disk)
        let first = try await fetched(100_000, scene, edge)
        #expect(await edge.stop() == 0)
        edge = try await scene.edge(on: disk)
        let second = try await fetched(3_000_000, scene, edge)
        try disk.fail(step)
        let status = await edge.stop()
        #expect(status == -SIGKILL, "\(status)")
        try disk.recover()
        edge = try await scene.edge(on: disk)
        _ = try await scene.relay.asked()
        for address in [first, second] {
            #expect(try await scene.readers(20, of: address, at: edge) == ["right": 20])
            #expect(try await scene.relay.asked(for: address).allSatisfy { $0.bytes == 0 }, "it was here")
        }
        #expect(await edge.stop() == 0)
    }

    /// The address of a blob that is in the cache.
    private func fetched(_ count: Int, _ scene: EdgeScene, _ edge: Server) async throws -> String {
        let address = try await scene.store(EdgeScene.sample(count))
        try await eventually { try await scene.get(edge, address).cacheStatus == "one; hit" }
        return address
    }
}

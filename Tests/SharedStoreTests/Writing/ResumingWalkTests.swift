import Blobs
import Glibc
import SharedStore
import Store
import StoreTestSupport
import TestSupport
import Testing

/// Uploads by chance that come to any of three nodes, whose clients go away, come again elsewhere and go on while what they
/// sent before is still on its way: no byte is wrong, no offset that was told goes back, and in the end all is accounted for.
@Suite(.timeLimit(.minutes(30))) struct ResumingWalkTests {
    private static var seeds: [UInt64] { Array(1...(unsafe getenv("SATCHEL_SOAK") == nil ? 4 : 100)) }

    @Test(arguments: seeds) func `however requests go from node to node, the upload is what was sent`(seed: UInt64)
        async throws
    {
        let scene = try SweepScene()
        try await scene.withNodes(3) { nodes async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        var walk = ResumingWalk(nodes: nodes, seed: seed &* 100 &+ UInt64(number))
                        try await walk.run()
                    }
                }
                try await group.waitForAll()
            }
            _ = try await nodes[0].collect(CollectOptions(trustClock: true))
            #expect(try await nodes[1].check().isClean)
            #expect(try await nodes[2].quotaUsage(of: "somebody").uploads == 0)
        }
        #expect(try scene.strays().rows.isEmpty)
        try scene.expectExactSums()
    }
}

/// One client with one upload.
private struct ResumingWalk {
    private let nodes: [SharedStore]
    private var random: SeededGenerator
    private let bytes: [UInt8]
    /// Requests that the client has left.
    private var ghosts: [Task<Void, Never>] = []

    init(nodes: [SharedStore], seed: UInt64) {
        self.nodes = nodes
        random = SeededGenerator(seed: seed)
        // Now and then one that takes several objects.
        let count = Int.random(
            in: 1...(Int.random(in: 0..<5, using: &random) == 0 ? 20 << 20 : 300_000), using: &random)
        bytes = content(Int(seed), count: count)
    }

    private mutating func node() -> SharedStore { nodes[Int.random(in: 0..<nodes.count, using: &random)] }

    mutating func run() async throws {
        let id = try await node().create(bytes, announcesLength: Bool.random(using: &random)).id
        var told: Int64 = 0
        while true {
            let upload = try await node().upload(id)
            #expect(upload.offset >= told, "an offset that was told went back")
            told = upload.offset
            if told == bytes.count { break }
            let session: any ResumableSession
            do { session = try await node().session(id, at: told) } catch StoreError.wrongOffset {
                // Something of an older request has come meanwhile.
                continue
            }
            let end = min(Int(told) + Int.random(in: 1...max(1, bytes.count / 3), using: &random), bytes.count)
            let part = Array(bytes[Int(told)..<end])
            switch Int.random(in: 0..<4, using: &random) {
            case 0: leave(session, part)
            case 1:
                try? await session.append(part)
                await session.abandon()
            default:
                try? await session.append(part)
                if let paused = try? await session.pause() { told = paused.offset }
            }
        }
        for ghost in ghosts { await ghost.value }
        var blob: StoredBlob?
        while blob == nil {
            let session = try await node().session(id, at: Int64(bytes.count), length: Int64(bytes.count))
            blob = try? await session.commit()
        }
        #expect(blob?.address == address(of: bytes))
        #expect(try await node().fetch(address(of: bytes)) == .held(bytes))
    }

    /// The client goes away; what it sent goes on by itself.
    private mutating func leave(_ session: any ResumableSession, _ part: [UInt8]) {
        let pieces = stride(from: 0, to: part.count, by: max(1, part.count / 5)).map { start in
            Array(part[start..<min(start + max(1, part.count / 5), part.count)])
        }
        ghosts.append(
            Task {
                for piece in pieces {
                    do { try await session.append(piece) } catch { return }
                    await Task.yield()
                }
                _ = try? await session.pause()
            })
    }
}

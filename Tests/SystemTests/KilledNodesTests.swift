import Blobs
import Foundation
import Synchronization
import TestEngines
import TestSupport
import Testing

/// Three nodes of one store of which one after the other is killed, while clients upload and revoke at any of them.
@Suite(
    .enabled(if: Programs.areBuilt, "\(Programs.missing)"),
    .enabled(if: Engines.hasPostgres && Engines.hasObjects, "\(Engines.noSharedStore)"))
struct KilledNodesTests {
    private static let rounds = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] == nil ? 6 : 60
    private static let clients = 4
    /// Answers to clients between two deaths.
    private static let answersPerRound = 20

    /// What clients were told.
    private final class Told: Sendable {
        struct Blob {
            let address: String
            let owner: Secret
        }

        private struct State {
            var held: [Blob] = []
            var revoked: [String] = []
            var isOver = false
        }

        private let state = Mutex(State())

        var held: [Blob] { state.withLock { $0.held } }
        var revoked: [String] { state.withLock { $0.revoked } }
        var count: Int { state.withLock { $0.held.count + 2 * $0.revoked.count } }
        var isOver: Bool { state.withLock { $0.isOver } }

        func hold(_ blob: Blob) { state.withLock { $0.held.append(blob) } }
        func revoke(_ address: String) { state.withLock { $0.revoked.append(address) } }
        func end() { state.withLock { $0.isOver = true } }

        /// Takes one to be revoked: from now on nobody knows, until that is acknowledged.
        func take() -> Blob? {
            state.withLock { state in
                guard state.held.count > 5 else { return nil }
                return state.held.remove(at: Int.random(in: 0..<state.held.count))
            }
        }
    }

    @Test func `whichever node is killed, what was acknowledged is there at each, and what was revoked at none`()
        async throws
    {
        let scene = try await NodesScene(nodes: 3)
        let told = Told()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.clients { group.addTask { try await Self.useStore(scene, told) } }
            group.addTask {
                defer { told.end() }
                for round in 0..<Self.rounds {
                    let number = Int.random(in: 0..<scene.count)
                    try await Self.waitForAnswers(told)
                    await scene.kill(number)
                    // With one that is down, and in the next round with none.
                    if round % 2 == 0 { try await Self.waitForAnswers(told) }
                    try await scene.start(number)
                }
            }
            try await group.waitForAll()
        }
        #expect(told.revoked.count > Self.rounds && told.held.count > Self.rounds)
        for node in scene.serving { try await Self.expectTruth(of: told, at: node, scene) }
        #expect(scene.serving.count == 3)
        let check = try await eventually {
            let check = try await scene.satcheld("fsck", "--json")
            // The engines may have been too busy to answer.
            return check.status == 75 ? nil : check
        }
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }

    private static func waitForAnswers(_ told: Told) async throws {
        let before = told.count
        try await eventually { told.count >= before + answersPerRound }
    }

    /// A client that goes to any node, and to the next one where that does not answer.
    private static func useStore(_ scene: NodesScene, _ told: Told) async throws {
        while !told.isOver {
            guard let node = scene.serving.randomElement() else { continue }
            if Int.random(in: 0..<3) == 0, let blob = told.take() {
                try await revoke(blob, at: node, scene, told)
            } else {
                try await upload(to: node, scene, told)
            }
        }
    }

    private static func upload(to node: Server, _ scene: NodesScene, _ told: Told) async throws {
        let owner = Secret.random()
        // Some come by the spool, and some are two objects.
        let size = [2000, 150_000, 400_000, 9 << 20][[0, 0, 0, 0, 1, 1, 2, 3].randomElement() ?? 0]
        let bytes = EdgeScene.sample(8) + [UInt8](repeating: 7, count: size)
        guard try await scene.upload(bytes, ownedBy: owner, to: node) else { return }
        var hasher = BlobHasher()
        hasher.update(bytes)
        told.hold(Told.Blob(address: hasher.address().hex, owner: owner))
    }

    private static func revoke(_ blob: Told.Blob, at node: Server, _ scene: NodesScene, _ told: Told) async throws {
        // Somebody has it ready.
        if let other = scene.serving.randomElement() { _ = try await scene.get(blob.address, at: other) }
        guard try await scene.revoke(blob.address, blob.owner, at: node) else { return }
        told.revoke(blob.address)
        // At once at every node that serves.
        for other in scene.serving {
            let found = try await scene.get(blob.address, at: other)
            #expect(found.status != "200", "\(other.url) serves what has ended")
        }
    }

    private static func expectTruth(of told: Told, at node: Server, _ scene: NodesScene) async throws {
        for blob in told.held {
            let found = try await scene.answer(blob.address, at: node)
            #expect(found.status == "200", "\(node.url)")
            var hasher = BlobHasher()
            hasher.update(found.body)
            #expect(hasher.address().hex == blob.address, "\(node.url)")
        }
        for address in told.revoked {
            let found = try await scene.answer(address, at: node)
            #expect(["404", "410"].contains(found.status), "\(node.url)")
        }
    }
}

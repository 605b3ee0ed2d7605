import Blobs
import Synchronization
import TestSupport
import Testing

/// Clients that upload and revoke at any node of a store while something goes wrong, and what they were told.
final class NodesCrowd: Sendable {
    private static let clients = 4

    struct Blob {
        let address: String
        let owner: Secret
    }

    private struct State {
        var held: [Blob] = []
        var revoked: [String] = []
        /// Requests that no node said it had done.
        var refused = 0
        var isOver = false
    }

    private let scene: NodesScene
    private let state = Mutex(State())

    init(_ scene: NodesScene) { self.scene = scene }

    /// Blobs that nodes said they hold, without those that somebody began to revoke.
    private var held: [Blob] { state.withLock { $0.held } }
    /// Addresses of those of which a node said that they have ended.
    private var revoked: [String] { state.withLock { $0.revoked } }
    private var count: Int { state.withLock { $0.held.count + 2 * $0.revoked.count } }
    private var isOver: Bool { state.withLock { $0.isOver } }

    /// Lets clients come and go for as long as `faults` takes.
    func come(while faults: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.clients { group.addTask { try await self.useStore() } }
            group.addTask {
                defer { self.state.withLock { $0.isOver = true } }
                try await faults()
            }
            try await group.waitForAll()
        }
    }

    /// Waits until so many more requests have been acknowledged.
    func waitForAnswers(_ number: Int = 20) async throws {
        let before = count
        try await eventually { self.count >= before + number }
    }

    /// Waits until one more request has been refused, or broke off.
    func waitForRefusal() async throws {
        let before = state.withLock { $0.refused }
        try await eventually { self.state.withLock { $0.refused } > before }
    }

    /// What was acknowledged is there at every node, and what was revoked at none; nothing of the store is amiss.
    func expectTruth(revokedAtLeast least: Int) async throws {
        #expect(revoked.count > least && held.count >= least)
        #expect(scene.serving.count == scene.count)
        for node in scene.serving { try await expectTruth(at: node) }
        let check = try await eventually {
            let check = try await self.scene.satcheld("fsck", "--json")
            // The engines may have been too busy to answer.
            return check.status == 75 ? nil : check
        }
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }

    /// A client that goes to any node, and to the next one where that does not answer.
    private func useStore() async throws {
        while !isOver {
            guard let node = scene.serving.randomElement() else { continue }
            if Int.random(in: 0..<3) == 0, let blob = take() {
                // Somebody has it ready.
                if let other = scene.serving.randomElement() { _ = try await scene.get(blob.address, at: other) }
                try await revoke(blob, at: node)
            } else {
                try await upload(to: node)
            }
        }
    }

    /// Takes one to be revoked: from now on nobody knows, until that is acknowledged.
    private func take() -> Blob? {
        state.withLock { state in
            guard state.held.count > 5 else { return nil }
            return state.held.remove(at: Int.random(in: 0..<state.held.count))
        }
    }

    private func upload(to node: Server) async throws {
        let owner = Secret.random()
        // Some come by the spool, and some are two objects.
        let size = [2000, 150_000, 400_000, 9 << 20][[0, 0, 0, 0, 1, 1, 2, 3].randomElement() ?? 0]
        let bytes = EdgeScene.sample(8) + [UInt8](repeating: 7, count: size)
        guard try await scene.upload(bytes, ownedBy: owner, to: node) else { return try await refused() }
        var hasher = BlobHasher()
        hasher.update(bytes)
        let blob = Blob(address: hasher.address().hex, owner: owner)
        state.withLock { $0.held.append(blob) }
    }

    /// Takes a small blob that every node has just served.
    func takeReady() async throws -> Blob {
        let owner = Secret.random()
        let bytes = EdgeScene.sample(1000)
        let blob = Blob(address: BlobAddress(of: bytes).hex, owner: owner)
        try await eventually { try await self.scene.upload(bytes, ownedBy: owner, to: self.scene.serving[0]) }
        for node in scene.serving {
            try await eventually { try await self.scene.get(blob.address, at: node).status == "200" }
        }
        return blob
    }

    /// Ends a blob that was taken; whether that was acknowledged. From then on no node may serve it.
    @discardableResult
    func revoke(_ blob: Blob, at node: Server) async throws -> Bool {
        guard try await scene.revoke(blob.address, blob.owner, at: node) else {
            try await refused()
            return false
        }
        state.withLock { $0.revoked.append(blob.address) }
        // At once at every node that serves.
        for other in scene.serving {
            let found = try await scene.get(blob.address, at: other)
            #expect(found.status != "200", "\(other.url) serves what has ended")
        }
        return true
    }

    /// Who is refused comes again a little later.
    private func refused() async throws {
        state.withLock { $0.refused += 1 }
        try await Task.sleep(for: .milliseconds(200))
    }

    private func expectTruth(at node: Server) async throws {
        for blob in held {
            let found = try await scene.answer(blob.address, at: node)
            #expect(found.status == "200", "\(node.url)")
            var hasher = BlobHasher()
            hasher.update(found.body)
            #expect(hasher.address().hex == blob.address, "\(node.url)")
        }
        for address in revoked {
            let found = try await scene.answer(address, at: node)
            #expect(["404", "410"].contains(found.status), "\(node.url)")
        }
    }
}

import Foundation
import TestEngines
import TestSupport
import Testing

/// Three nodes of one store, the database and the object store, each on a host of its own, and cables that are pulled while
/// clients upload and revoke at any node: nothing is refused there, packets vanish.
@Suite(
    .enabled(if: Programs.areBuilt, "\(Programs.missing)"),
    .enabled(if: Engines.hasPostgres && Engines.hasObjects, "\(Engines.noSharedStore)"),
    .enabled(if: HostNetwork.canBeMade, "\(HostNetwork.missing)"))
struct PulledCableTests {
    private static let rounds = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] == nil ? 1 : 8

    /// What some nodes no longer reach.
    private enum Fault: CaseIterable {
        case databaseOfOne, storeOfOne, bothOfOne, databaseOfAll, storeOfAll

        var isOfAll: Bool { [.databaseOfAll, .storeOfAll].contains(self) }
        var takesDatabase: Bool { ![.storeOfOne, .storeOfAll].contains(self) }
        var takesStore: Bool { ![.databaseOfOne, .databaseOfAll].contains(self) }
    }

    @Test func `whichever cable is pulled, what was acknowledged is there at each node, and what was revoked at none`()
        async throws
    {
        try await HostNetwork.with(hosts: 5) { try await pullCables(of: $0) }
    }

    private func pullCables(of network: HostNetwork) async throws {
        let (database, store, hosts) = (network.hosts[0], network.hosts[1], Array(network.hosts[2...]))
        let postgres = try Engine(.postgres, behind: database.prefix, at: database.address)
        let objects = try Engine(
            Engines.hasCeph ? .ceph : .seaweedfs, behind: store.prefix, at: store.address)
        let scene = try await NodesScene(
            nodes: hosts.count, database: postgres.fact("connection"), objects: ObjectEngine(objects), on: hosts)
        let crowd = NodesCrowd(scene)
        try await crowd.come {
            for _ in 0..<Self.rounds {
                for fault in Fault.allCases.shuffled() {
                    let nodes = fault.isOfAll ? Array(hosts.indices) : [Int.random(in: hosts.indices)]
                    let lost = (fault.takesDatabase ? [database] : []) + (fault.takesStore ? [store] : [])
                    let blob = try await crowd.takeReady()
                    for node in nodes { for other in lost { try await network.cut(hosts[node], from: other) } }
                    try await Self.expectRefusals(by: nodes, because: fault, blob, scene, crowd)
                    for node in nodes { for other in lost { try await network.join(hosts[node], with: other) } }
                    for node in scene.serving { try await eventually { try await scene.isReady(node) } }
                    try await crowd.waitForAnswers()
                }
            }
        }
        try await crowd.expectTruth(revokedAtLeast: Fault.allCases.count)
        for node in scene.serving { #expect(await node.stop() == 0, "\(node.log)") }
        withExtendedLifetime((postgres, objects)) {}
    }

    /// While cables of these nodes are out. All nodes have had the blob ready before.
    private static func expectRefusals(
        by nodes: [Int], because fault: Fault, _ blob: NodesCrowd.Blob, _ scene: NodesScene, _ crowd: NodesCrowd
    ) async throws {
        if fault == .storeOfAll {
            for node in scene.serving {
                try await eventually { try await scene.get(blob.address, at: node).status == "200" }
            }
        }
        if !fault.isOfAll {
            // At once, while the node still believes what it has heard.
            let other = scene.serving[(nodes[0] + 1) % scene.count]
            try await eventually { try await crowd.revoke(blob, at: other) }
        }
        for node in nodes where fault.takesDatabase {
            try await eventually { try await !scene.isReady(scene.serving[node]) }
        }
        try await crowd.waitForRefusal()
        // Whoever meets a node without the object store waits for as long as that may take.
        if !fault.isOfAll { try await crowd.waitForAnswers(4) }
    }
}
